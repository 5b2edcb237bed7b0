/**
 * Kubernetes MicroTime: RFC 3339 with exactly six fractional digits. `Date.toISOString` has three, which a real API server refuses with 400.
 */
export function microTime(micros: number): string {
  const date = new Date(Math.floor(micros / 1000)).toISOString();
  return `${date.slice(0, -1)}${String(micros % 1000).padStart(3, "0")}Z`;
}

/** Microseconds since 1970 of a MicroTime; undefined when it is none. */
export function parseMicroTime(text: string | undefined): number | undefined {
  const match = /^(.+T\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(text ?? "");
  const seconds = match ? Date.parse(`${match[1]}${match[3]}`) : Number.NaN;
  return Number.isNaN(seconds) ? undefined : seconds * 1000 + Number((match?.[2] ?? "").padEnd(6, "0").slice(0, 6));
}
