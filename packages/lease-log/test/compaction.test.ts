/** A flush and the replacement of the state never meet: a state machine that is being replaced is not called. */
import { describe, expect, it } from "vitest";
import { Compaction } from "../src/driver/compaction.ts";

/** A compaction whose flushes end when the test says so. */
function compactionOf() {
  const flushes: { resolve: () => void; reject: (error: unknown) => void }[] = [];
  const storage = { bytesAfter: () => 0, indexOfLast: () => 0, dropBefore: async () => {}, firstIndex: 1 };
  const machine = {
    applied: () => ({ epoch: 1, index: 5 }),
    flush: () => new Promise<void>((resolve, reject) => flushes.push({ resolve, reject })),
  };
  return { compaction: new Compaction({ base: { epoch: 0, index: 0 } }, storage, machine, 0), flushes };
}

describe("while the state is replaced", () => {
  it("no flush begins; once that has ended, or failed, one may", async () => {
    const { compaction, flushes } = compactionOf();
    const replaced = compaction.hold(async () => {
      void compaction.run();
      expect(flushes).toHaveLength(0);
      throw new RangeError("cut off");
    });
    await expect(replaced).rejects.toThrow("cut off");
    void compaction.run();
    expect(flushes).toHaveLength(1);
  });

  it.each(["ended", "failed"])("no flush is under way: it is waited for until it has %s", async (end) => {
    const { compaction, flushes } = compactionOf();
    const events: string[] = [];
    const running = compaction.run().catch(() => undefined);
    const replaced = compaction.hold(async () => void events.push("replaced"));
    await new Promise(setImmediate);
    events.push(end);
    if (end === "ended") flushes[0]?.resolve();
    else flushes[0]?.reject(new RangeError("no room"));
    await Promise.all([running, replaced]);
    expect(events).toEqual([end, "replaced"]);
  });
});
