/** Writes the in-sync set into the Lease, and tells the core how that went. */
import { formatRecord } from "../core/record.ts";
import type { Batch } from "../core/types.ts";
import type { Machine } from "./machine.ts";
import type { Settings } from "./settings.ts";

export function writeRecord(
  { arbiter, annotation, mode, logger }: Settings,
  dataId: string,
  set: NonNullable<Batch["record"]>,
  machine: Pick<Machine, "submit">,
): void {
  const text = formatRecord(dataId, mode, set);
  const done = (isWritten: boolean) => machine.submit({ type: "recorded", version: set.version, isWritten });
  arbiter
    .annotate(() => ({ [annotation]: text }))
    .then(
      () => {
        logger.info({ members: set.members }, "replication: the in-sync set changed");
        done(true);
      },
      (error: unknown) => {
        logger.warn({ error: String(error) }, "the in-sync set was not changed, as far as known");
        done(false);
      },
    );
}
