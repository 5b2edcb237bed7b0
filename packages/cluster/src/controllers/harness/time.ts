/** RFC 3339 in whole seconds, as Kubernetes writes `Time`. */
export const timestamp = (ms: number) => new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");

/** RFC 3339 with six digits, as Kubernetes writes `MicroTime`. */
export const microTimestamp = (ms: number) => new Date(ms).toISOString().replace("Z", "000Z");

/** Milliseconds since the epoch; `undefined` stays so. */
export const parseTime = (time: string | undefined) => (time === undefined ? undefined : Date.parse(time));

export const secondMs = 1000;
