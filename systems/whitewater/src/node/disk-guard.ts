/** Watches the room on the data disk: without it a member takes no writes and does not lead. */
import { statfs } from "node:fs/promises";
import type { Logger } from "@coracle/pod";
import type { Raft } from "@coracle/raft";
import { messageOf, WhitewaterError } from "../errors.ts";

export interface DiskGuard {
  /** Bytes, at the last look; Infinity before. */
  freeBytes(): number;
  isFull(): boolean;
  /** Rejects with `no-space` while the disk has no room. */
  guarded(raft: Raft): Pick<Raft, "propose" | "readBarrier" | "status">;
  start(raft: Pick<Raft, "status" | "transferLeadership">): void;
  stop(): void;
}

const CHECK_MS = 1000;
const HAND_OVER_MS = 5000;

export function createDiskGuard(
  dir: string,
  reserveBytes: number,
  logger: Logger,
  freeBytesOf: (dir: string) => Promise<number> = freeBytesOn,
): DiskGuard {
  let free = Number.POSITIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;
  const isFull = (): boolean => free < reserveBytes;

  async function check(raft: Pick<Raft, "status" | "transferLeadership">): Promise<void> {
    const wasFull = isFull();
    free = await freeBytesOf(dir);
    if (isFull() && !wasFull) logger.error("the disk is nearly full: no writes are taken here", { freeBytes: free });
    if (!isFull() && wasFull) logger.info("the disk has room again", { freeBytes: free });
    // Another one may have room; if none has, this one is elected again and refuses writes.
    if (isFull() && raft.status().role === "leader")
      await raft.transferLeadership(undefined, AbortSignal.timeout(HAND_OVER_MS));
  }

  return {
    freeBytes: () => free,
    isFull,
    guarded: (raft) => ({
      propose: (command, signal) => (isFull() ? Promise.reject(noSpace(dir, free)) : raft.propose(command, signal)),
      readBarrier: (signal) => raft.readBarrier(signal),
      status: () => raft.status(),
    }),
    start: (raft) => {
      const look = (): void => {
        check(raft).catch((error: unknown) => logger.debug("the disk guard goes on", { reason: messageOf(error) }));
      };
      look();
      timer = setInterval(look, CHECK_MS);
      timer.unref();
    },
    stop: () => clearInterval(timer),
  };
}

const noSpace = (dir: string, free: number): WhitewaterError =>
  new WhitewaterError(
    "no-space",
    `The disk of ${dir} has ${Math.floor(free / 1024 / 1024)} MiB left, so nothing was written. Reads go on. Free space or enlarge the volume; ` +
      "writes go on by themselves then.",
  );

async function freeBytesOn(dir: string): Promise<number> {
  const { bavail, bsize } = await statfs(dir);
  return bavail * bsize;
}
