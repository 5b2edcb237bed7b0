/** When a CronJob is due. */
import { Cron } from "croner";
import type { CronJob } from "kubernetes-types/batch/v1.js";
import type { Stored } from "../../machinery/types.ts";
import { parseTime, secondMs } from "../harness/time.ts";

/** Beyond this many missed times Kubernetes only warns and takes the last. */
const manyMissed = 100;
const every = /^@every (?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/;

export interface Schedule {
  /** First time after `afterMs`; undefined when there is none. */
  next(afterMs: number): number | undefined;
}

/** Reads a schedule, in `timeZone` where given. Throws what the cron library says of a bad one. */
export function parseSchedule(schedule: string, timeZone: string | undefined): Schedule {
  const interval = every.exec(schedule.trim());
  if (interval) return everySchedule(interval);
  const cron = new Cron(schedule, { paused: true, mode: "5-part", ...(timeZone && { timezone: timeZone }) });
  return { next: (afterMs) => cron.nextRun(new Date(afterMs))?.getTime() };
}

function everySchedule([, hours = "0", minutes = "0", seconds = "0"]: RegExpExecArray): Schedule {
  const stepMs = Math.max(1, Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * secondMs;
  return { next: (afterMs) => afterMs + stepMs };
}

export interface Due {
  /** The latest time that has passed without a job. */
  readonly dueMs?: number;
  /** Times that have passed, at most 101. */
  readonly missed: number;
  readonly nextInMs?: number;
}

/** Which times have passed since the last one that was served, but not longer ago than startingDeadlineSeconds. */
export function findDue({ metadata, spec, status }: Stored<CronJob>, schedule: Schedule, now: number): Due {
  const since = parseTime(status?.lastScheduleTime ?? metadata.creationTimestamp) ?? now;
  const deadline = spec?.startingDeadlineSeconds;
  const earliest = deadline === undefined ? since : Math.max(since, now - deadline * secondMs);
  let dueMs: number | undefined;
  let missed = 0;
  let next = schedule.next(earliest);
  while (next !== undefined && next <= now && missed <= manyMissed) {
    dueMs = next;
    missed += 1;
    next = schedule.next(next);
  }
  if (missed > manyMissed) dueMs = latestBefore(schedule, now, dueMs ?? now);
  const upcoming = schedule.next(now);
  return { missed, ...(dueMs !== undefined && { dueMs }), ...(upcoming !== undefined && { nextInMs: upcoming - now }) };
}

/** The last time up to `now`, found by looking back over ever longer spans. */
function latestBefore(schedule: Schedule, now: number, known: number): number {
  for (let spanMs = 60_000; spanMs < now - known; spanMs *= 2) {
    let last: number | undefined;
    for (let next = schedule.next(now - spanMs); next !== undefined && next <= now; next = schedule.next(next))
      last = next;
    if (last !== undefined) return last;
  }
  return known;
}

export const isTooMany = (missed: number) => missed > manyMissed;
