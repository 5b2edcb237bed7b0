/** A member whose disk has no room takes no writes and gives leadership up; with room again it goes on by itself. */
import { silentLogger } from "@coracle/pod";
import type { Raft } from "@coracle/raft";
import { expect, it, vi } from "vitest";
import { createDiskGuard } from "../src/node/disk-guard.ts";

it("refuses writes, hands over, and goes on when there is room", async () => {
  vi.useFakeTimers();
  let free = 1000;
  const raft = {
    status: () => ({ role: "leader" }),
    transferLeadership: vi.fn(async () => undefined),
    propose: async () => "written",
    readBarrier: async () => undefined,
  } as unknown as Raft;
  const guard = createDiskGuard("/data", 100, silentLogger, async () => free);
  const guarded = guard.guarded(raft);
  guard.start(raft);
  try {
    await vi.advanceTimersByTimeAsync(1000);
    expect(await guarded.propose(new Uint8Array())).toBe("written");
    free = 99;
    await vi.advanceTimersByTimeAsync(1000);
    await expect(guarded.propose(new Uint8Array())).rejects.toMatchObject({ code: "no-space" });
    await expect(guarded.readBarrier()).resolves.toBeUndefined();
    expect(raft.transferLeadership).toHaveBeenCalled();
    free = 100;
    await vi.advanceTimersByTimeAsync(1000);
    expect(await guarded.propose(new Uint8Array())).toBe("written");
  } finally {
    guard.stop();
    vi.useRealTimers();
  }
});
