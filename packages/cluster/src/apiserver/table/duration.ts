/** How long ago something was, as Kubernetes abbreviates it: finer while it is young (`95s`, `7m12s`, `5h3m`, `3d2h`, `45d`). */

const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;
const year = 365 * day;

interface Step {
  /** The step applies to durations below this many seconds. */
  readonly below: number;
  readonly unit: readonly [name: string, seconds: number];
  /** A second, smaller unit, left out when it is zero. */
  readonly rest?: readonly [name: string, seconds: number];
}

const steps: readonly Step[] = [
  { below: 2 * minute, unit: ["s", 1] },
  { below: 10 * minute, unit: ["m", minute], rest: ["s", 1] },
  { below: 3 * hour, unit: ["m", minute] },
  { below: 8 * hour, unit: ["h", hour], rest: ["m", minute] },
  { below: 2 * day, unit: ["h", hour] },
  { below: 8 * day, unit: ["d", day], rest: ["h", hour] },
  { below: 2 * year, unit: ["d", day] },
  { below: 8 * year, unit: ["y", year], rest: ["d", day] },
  { below: Number.POSITIVE_INFINITY, unit: ["y", year] },
];

/** Negative durations are clocks that disagree: a second is forgiven, more is `<invalid>`. */
export function humanDuration(ms: number): string {
  const seconds = Math.trunc(ms / 1000);
  if (seconds < -1) return "<invalid>";
  if (seconds < 0) return "0s";
  const step = steps.find(({ below }) => seconds < below);
  if (step === undefined) return "<invalid>";
  const [name, unitSeconds] = step.unit;
  const whole = `${Math.floor(seconds / unitSeconds)}${name}`;
  if (step.rest === undefined) return whole;
  const [restName, restSeconds] = step.rest;
  const rest = Math.floor((seconds % unitSeconds) / restSeconds);
  return rest === 0 ? whole : `${whole}${rest}${restName}`;
}

/** Time since an RFC 3339 timestamp; `<unknown>` without one. */
export const since = (timestamp: string | undefined | null, now: number): string =>
  timestamp ? humanDuration(now - Date.parse(timestamp)) : "<unknown>";
