import { setTimeout as delay } from "node:timers/promises";

/** Polls until it is so; a test's own time-out is the bound. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await delay(20);
}
