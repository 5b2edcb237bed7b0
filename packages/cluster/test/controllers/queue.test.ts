import { describe, expect, it } from "vitest";
import { backOffMs, WorkQueue } from "../../src/controllers/harness/queue.ts";
import { SteppedClock } from "./support/stepped-clock.ts";

function openQueue(process: (key: string) => Promise<number | undefined>, concurrency = 4) {
  const clock = new SteppedClock();
  const failures: [string, number][] = [];
  const onFailure = (key: string, _: unknown, retryInMs: number) => void failures.push([key, retryInMs]);
  return { clock, failures, queue: new WorkQueue({ clock, process, concurrency, onFailure }) };
}

describe("WorkQueue", () => {
  it("takes a key once however often it was added", async () => {
    const taken: string[] = [];
    const { queue } = openQueue(async (key) => void taken.push(key) as undefined);
    for (const key of ["a", "b", "a", "a"]) queue.add(key);
    await queue.idle();
    expect(taken).toEqual(["a", "b"]);
  });

  it("takes a key again that was added while in hand, never twice at once", async () => {
    let inHand = 0;
    const seen: number[] = [];
    const { queue } = openQueue(async (key) => {
      inHand += 1;
      seen.push(inHand);
      if (seen.length === 1) queue.add(key);
      await new Promise((resolve) => setImmediate(resolve));
      inHand -= 1;
      return undefined;
    });
    queue.add("a");
    await queue.idle();
    expect(seen).toEqual([1, 1]);
  });

  it("has no more in hand than its concurrency", async () => {
    let inHand = 0;
    let most = 0;
    const { queue } = openQueue(async () => {
      inHand += 1;
      most = Math.max(most, inHand);
      await new Promise((resolve) => setImmediate(resolve));
      inHand -= 1;
      return undefined;
    }, 2);
    for (const key of ["a", "b", "c", "d", "e"]) queue.add(key);
    await queue.idle();
    expect(most).toBe(2);
  });

  it("retries a failing key with growing delays and forgets them after a success", async () => {
    let mayFail = 3;
    const { queue, clock, failures } = openQueue(async () => {
      if (mayFail-- > 0) throw new TypeError("not yet");
      return undefined;
    });
    queue.add("a");
    await queue.idle();
    for (const delay of [5, 10, 20]) {
      clock.step(delay);
      await queue.idle();
    }
    expect(failures).toEqual([
      ["a", 5],
      ["a", 10],
      ["a", 20],
    ]);
    mayFail = 1;
    queue.add("a");
    await queue.idle();
    expect(failures.at(-1)).toEqual(["a", 5]);
  });

  it("bounds the delay", () => {
    expect(backOffMs(30)).toBe(60_000);
  });

  it("comes back when asked to, at the earliest of several times", async () => {
    const taken: number[] = [];
    const { queue, clock } = openQueue(async () => void taken.push(clock.now()) as undefined);
    const start = clock.now();
    queue.addAfter("a", 300);
    queue.addAfter("a", 100);
    queue.addAfter("a", 200);
    clock.step(1000);
    await queue.idle();
    expect(taken).toEqual([start + 100]);
    expect(clock.pending).toBe(0);
  });

  it("leaves nothing behind when stopped", async () => {
    const taken: string[] = [];
    const { queue, clock } = openQueue(async (key) => void taken.push(key) as undefined);
    queue.add("a");
    queue.addAfter("b", 100);
    await queue.stop();
    queue.add("c");
    expect(clock.pending).toBe(0);
    expect(taken).toEqual([]);
    expect(queue.isIdle).toBe(true);
  });
});
