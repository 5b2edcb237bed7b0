import { defined } from "../defined.ts";
import { ElectionError } from "../errors.ts";
import type { ElectionTiming } from "./types.ts";

/** The three times in client-go's proportions: 15 s, 10 s, 2 s. */
export const electionTiming = (leaseDurationMs = 15_000): ElectionTiming => ({
  leaseDurationMs,
  renewDeadlineMs: (leaseDurationMs * 2) / 3,
  retryPeriodMs: (leaseDurationMs * 2) / 15,
});

/** From `LEASE_TTL_SECONDS`. Throws ElectionError `config` unless that is a whole number from 1 to 3600. */
export function electionTimingFromEnv(env: Readonly<Record<string, string | undefined>> = process.env): ElectionTiming {
  const seconds = Number(env.LEASE_TTL_SECONDS || 15);
  if (Number.isInteger(seconds) && seconds >= 1 && seconds <= 3600) return electionTiming(seconds * 1000);
  throw new ElectionError("config", `LEASE_TTL_SECONDS must be from 1 to 3600, not "${env.LEASE_TTL_SECONDS}"`);
}

/**
 * A holder stops `renewDeadlineMs` after the last renewal it sent, by its clock; others take over `leaseDurationMs` after they saw it, by
 * theirs. With clock rates within 10 % of true time on both sides the worst ratio is 1.1 / 0.9, about 1.22; this is the margin.
 */
const clockMargin = 1.25;

/** Fills in what is not given, in proportion to the duration, and refuses an order that would not be safe. */
export function resolveTiming(given: Partial<ElectionTiming> = {}): ElectionTiming {
  const timing = { ...electionTiming(given.leaseDurationMs), ...defined(given) };
  const { leaseDurationMs, renewDeadlineMs, retryPeriodMs } = timing;
  if (!(leaseDurationMs >= 1000)) refuse("a Lease lasts at least one second", timing);
  if (!(renewDeadlineMs * clockMargin <= leaseDurationMs))
    refuse("the renew deadline must leave a fifth of the lease duration", timing);
  if (!(retryPeriodMs > 0 && retryPeriodMs * 2 <= renewDeadlineMs))
    refuse("two retries must fit into the renew deadline", timing);
  return timing;
}

function refuse(rule: string, timing: ElectionTiming): never {
  throw new ElectionError("config", `election timing ${JSON.stringify(timing)}: ${rule}`);
}
