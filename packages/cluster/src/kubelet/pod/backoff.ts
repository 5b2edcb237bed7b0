import type { Timing } from "../options.ts";

export type BackoffTiming = Pick<Timing, "backoffBaseMs" | "backoffMaxMs" | "backoffResetMs">;

/** How long the next attempt waits; 0 for the first one after a success. */
export interface Backoff {
  readonly delayMs: number;
}

export const noBackoff: Backoff = { delayMs: 0 };

/** Takes one failure into account: the delay before the attempt that follows it doubles, up to the limit. */
export const grow = ({ delayMs }: Backoff, timing: BackoffTiming): Backoff => ({
  delayMs: delayMs === 0 ? timing.backoffBaseMs : Math.min(delayMs * 2, timing.backoffMaxMs),
});

/**
 * The restart back-off when a container ended after `ranMs`. The first restart is immediate, as in Kubernetes; a container that
 * had been up for `backoffResetMs` counts as healthy and starts over.
 */
export function afterExit(backoff: Backoff | undefined, ranMs: number, timing: BackoffTiming): Backoff {
  if (backoff === undefined || ranMs >= timing.backoffResetMs) return noBackoff;
  return grow(backoff, timing);
}
