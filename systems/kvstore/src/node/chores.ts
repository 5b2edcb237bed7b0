/** What a member does now and then: look at the disk, and, as primary, remove keys that have expired. */
import type { ReplicatedLog } from "@coracle/lease-log";
import type { Logger } from "@coracle/pod";
import { messageOf } from "../errors.ts";
import type { DiskGuard } from "../store/disk.ts";
import { encodeEntry } from "../store/entry.ts";
import { operation } from "../store/operations.ts";
import type { Store } from "../store/store.ts";

const DISK_CHECK_MS = 1000;
const REAP_MS = 250;
/** Keys removed by one entry. */
const REAP_LIMIT = 1000;

/** Looks once before it resolves. Logs when writes begin to be refused and when they are taken again. */
export async function keepDiskChecked(disk: DiskGuard, logger: Logger): Promise<() => void> {
  let wasFull = false;
  const check = async (): Promise<void> => {
    await disk.check();
    const refusal = disk.refusal(false);
    if (refusal !== undefined && !wasFull)
      logger.error("writes are refused: the disk is nearly full", { reason: refusal });
    if (refusal === undefined && wasFull) logger.info("writes are taken again: the disk has room");
    wasFull = refusal !== undefined;
  };
  await check();
  const timer = setInterval(() => {
    check().catch((error: unknown) => logger.warn("the disk's free space can't be read", { reason: messageOf(error) }));
  }, DISK_CHECK_MS);
  timer.unref();
  return () => clearInterval(timer);
}

/** Keys count as gone the moment they expire; this only gives their room back, by entries in the log, so that replicas agree. */
export function reapExpired(store: Store, log: Pick<ReplicatedLog, "propose" | "status">, logger: Logger): () => void {
  let isBusy = false;
  const reap = async (): Promise<void> => {
    const due = store.nextExpiry();
    if (isBusy || due === undefined || due > Date.now() || log.status().role !== "primary") return;
    isBusy = true;
    await log.propose(encodeEntry(Date.now(), [operation("reap", String(REAP_LIMIT))])).catch((error: unknown) => {
      logger.debug("expired keys stay for now", { reason: messageOf(error) });
    });
    isBusy = false;
  };
  const timer = setInterval(() => void reap(), REAP_MS);
  timer.unref();
  return () => clearInterval(timer);
}
