import { beforeEach, describe, expect, it } from "vitest";
import type { Feed } from "../src/core/types.ts";
import { EntryCache } from "../src/driver/cache.ts";
import { decodeMessage } from "../src/driver/codec.ts";
import { encodeBlock } from "../src/driver/entries.ts";
import { type Fed, Feeder } from "../src/driver/feeder.ts";
import { DEFAULT_LIMITS, DEFAULT_TIMING, type LogClock } from "../src/options.ts";
import type { ReplicationMode } from "../src/types.ts";

const EPOCH = 3;

class SteppedClock implements LogClock {
  #now = 0;
  #due: { readonly at: number; readonly task: () => void }[] = [];

  now = (): number => this.#now;
  every = (): (() => void) => () => {};
  after = (ms: number, task: () => void): (() => void) => {
    const timer = { at: this.#now + ms, task };
    this.#due.push(timer);
    return () => {
      this.#due = this.#due.filter((other) => other !== timer);
    };
  };

  step(ms: number): void {
    this.#now += ms;
    for (const timer of this.#due.filter(({ at }) => at <= this.#now)) {
      this.#due = this.#due.filter((other) => other !== timer);
      timer.task();
    }
  }
}

let clock: SteppedClock;
let leadingEpoch: number | undefined;
let sent: string[];
let fed: Fed[];

beforeEach(() => {
  clock = new SteppedClock();
  leadingEpoch = EPOCH;
  sent = [];
  fed = [];
});

function feederIn(mode: ReplicationMode): Feeder {
  const cache = new EntryCache(DEFAULT_LIMITS.cacheBytes);
  cache.push(encodeBlock(1, EPOCH, [Buffer.from("a"), Buffer.from("b"), Buffer.from("c")]));
  const core = {
    get leadingEpoch() {
      return leadingEpoch;
    },
    counts: (after: number, through: number) => [{ epoch: EPOCH, count: through - after }],
  };
  const endpoint = {
    send(to: string, ...parts: Uint8Array[]): boolean {
      const { message } = decodeMessage(Buffer.concat(parts));
      if (message.type === "append") sent.push(`${to} after ${message.prev.index}: ${message.entries[0]?.count}`);
      return true;
    },
  };
  const storage = { cache, read: () => Promise.reject(new RangeError("all of it is in memory")) };
  const settings = { clock, mode, limits: DEFAULT_LIMITS, timing: DEFAULT_TIMING };
  return new Feeder(core, storage, endpoint, settings, (it) => fed.push(it));
}

const feed = (to: string, after: number, through: number): Feed => ({
  to,
  session: 1,
  epoch: EPOCH,
  after: { epoch: EPOCH, index: after },
  through,
  commit: 0,
  echo: 0,
});

describe("entries for replicas", () => {
  it("leave at once in sync mode", () => {
    const feeder = feederIn("sync");
    feeder.feed([feed("b", 0, 1), feed("c", 0, 1)]);
    feeder.feed([feed("b", 1, 3)]);
    expect(sent).toEqual(["b after 0: 1", "c after 0: 1", "b after 1: 2"]);
    expect(fed.map(({ through, isSent }) => [through, isSent])).toEqual([
      [1, true],
      [1, true],
      [3, true],
    ]);
  });

  it("leave at once in async mode after a quiet time, and else together at the end of the pause", () => {
    const feeder = feederIn("async");
    feeder.feed([feed("b", 0, 1), feed("c", 0, 1)]);
    expect(sent).toEqual(["b after 0: 1", "c after 0: 1"]);
    feeder.feed([feed("b", 1, 2)]);
    clock.step(DEFAULT_TIMING.asyncSendMs / 2);
    feeder.feed([feed("c", 1, 3)]);
    expect(sent).toHaveLength(2);
    clock.step(DEFAULT_TIMING.asyncSendMs / 2);
    expect(sent.slice(2)).toEqual(["b after 1: 1", "c after 1: 2"]);
    clock.step(DEFAULT_TIMING.asyncSendMs);
    feeder.feed([feed("b", 2, 3)]);
    expect(sent.slice(4)).toEqual(["b after 2: 1"]);
  });

  it("are not sent when their epoch ended in the pause: the log may have been cut", () => {
    const feeder = feederIn("async");
    feeder.feed([feed("b", 0, 1)]);
    feeder.feed([feed("b", 1, 2)]);
    leadingEpoch = undefined;
    clock.step(DEFAULT_TIMING.asyncSendMs);
    expect(sent).toHaveLength(1);
    expect(fed.at(-1)).toMatchObject({ to: "b", through: 1, isSent: false });
  });

  it("are dropped by a stop", () => {
    const feeder = feederIn("async");
    feeder.feed([feed("b", 0, 1)]);
    feeder.feed([feed("b", 1, 2)]);
    feeder.stop();
    clock.step(DEFAULT_TIMING.asyncSendMs);
    expect(sent).toHaveLength(1);
    expect(fed).toHaveLength(1);
  });
});
