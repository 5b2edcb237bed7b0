/** What a replica accepts, acknowledges and promises, case by case. */
import { describe, expect, it } from "vitest";
import { durableIn } from "../src/driver/appender.ts";
import { recordOf, Stepper } from "./support/core.ts";

const PREV = { epoch: 4, index: 10 };
const acks = (batch: ReturnType<Stepper["step"]>) =>
  batch.sends.flatMap(({ message }) => (message.type === "ack" ? [message] : []));

describe("epochs", () => {
  it("whoever has seen a newer one refuses the older, and keeps following the newer", () => {
    const node = new Stepper();
    node.probe("b", 6);
    for (const batch of [node.probe("c", 5), node.append("c", 5, PREV, 1)]) {
      expect(batch.sends).toEqual([{ to: "c", message: { type: "refuse", reason: "epoch", epoch: 6 } }]);
      expect(batch).toMatchObject({ meta: undefined, append: undefined, truncateAfter: undefined });
    }
    expect(node.append("b", 6, PREV, 1).append).toMatchObject({ epoch: 6, count: 1 });
  });

  it.each([5, 7])("takes nothing of epoch %i from a primary that it follows in 6", (epoch) => {
    const node = new Stepper();
    node.probe("b", 6);
    const batch = node.append("b", epoch, PREV, 1, 10);
    expect(batch).toMatchObject({ append: undefined, applyTo: undefined });
    expect(batch.sends).toMatchObject([{ message: { type: "refuse" } }]);
  });

  it("a newer one ends an older one's primary", () => {
    const node = new Stepper();
    node.lead(5, ["a", "b"]);
    expect(node.probe("b", 6)).toMatchObject({ lost: expect.stringMatching(/epoch 6/), meta: { epochSeen: 6 } });
    expect(node.core.isLeading).toBe(false);
  });
});

describe("another cluster's primary", () => {
  const probe = { type: "probe", epoch: 9, session: 1, dataId: "E" } as const;

  it("is refused, and its epoch does not count", () => {
    const node = new Stepper();
    const batch = node.receive("b", probe);
    expect(batch.sends).toEqual([{ to: "b", message: { type: "refuse", reason: "foreign", epoch: 4 } }]);
    expect(batch).toMatchObject({
      meta: undefined,
      warnings: [expect.stringMatching(/cluster D, the primary's to E/)],
    });
    expect(node.append("b", 9, PREV, 1).append).toBeUndefined();
    expect(node.core.candidacy(recordOf(6, ["a"]), node.now)).toMatchObject({ abstain: expect.any(String) });
  });

  it.each<[string, (node: Stepper) => void]>([
    ["the own cluster's primary is heard", (node) => node.probe("c", 5)],
    [
      "the Lease names the own data",
      (node) => node.step({ type: "arbiter", observed: recordOf(5, ["a", "c"], "c"), termEpoch: undefined }),
    ],
  ])("does not keep this node from leading once %s again", (_, happen) => {
    const node = new Stepper();
    node.receive("b", probe);
    happen(node);
    expect(node.core.candidacy(recordOf(6, ["a"]), node.now)).not.toHaveProperty("abstain");
  });
});

describe("entries", () => {
  it("what conflicts with the primary's log goes, and is no longer durable until it is written anew", () => {
    const node = new Stepper({ applied: 8 });
    node.probe("b", 6);
    const batch = node.append("b", 6, { epoch: 4, index: 9 }, 2, 11);
    expect(batch).toMatchObject({ truncateAfter: 9, append: { count: 2 }, applyTo: 9 });
    expect(acks(batch)).toEqual([]);
    expect(acks(node.step({ type: "durable", index: 11 }))).toMatchObject([{ matched: 11 }]);
  });

  it("what was durable when that was queued, and cut before it is taken, counts no more", () => {
    const node = new Stepper({ applied: 8 });
    const log = { durableIndex: 10 };
    const queued = durableIn(log);
    node.probe("b", 6);
    node.append("b", 6, { epoch: 4, index: 9 }, 2, 11);
    log.durableIndex = 9;
    expect(acks(node.step(queued)).map(({ matched }) => matched)).not.toContain(10);
    log.durableIndex = 11;
    expect(acks(node.step(durableIn(log)))).toMatchObject([{ matched: 11 }]);
  });

  it("a probe that comes late does not end the newer session", () => {
    const node = new Stepper();
    node.probe("b", 6, 2);
    node.append("b", 6, PREV, 0);
    expect(node.probe("b", 6, 1).sends).toEqual([]);
    expect(acks(node.heartbeat("b", 6))).toMatchObject([{ session: 2, matched: 10 }]);
    expect(node.probe("b", 6, 2).sends).toMatchObject([{ message: { type: "state", session: 2 } }]);
  });

  it("a snapshot that was offered before the log went on does not undo it", () => {
    const node = new Stepper();
    node.probe("b", 6);
    node.append("b", 6, PREV, 0);
    expect(node.step({ type: "snapshot-offered", from: "b", epoch: 6 })).toMatchObject({
      install: false,
      meta: undefined,
    });
    node.probe("b", 6, 2);
    expect(node.step({ type: "snapshot-offered", from: "b", epoch: 6 }).install).toBe(true);
  });

  it("what is applied never goes: the primary is told the state, and sends a snapshot", () => {
    const node = new Stepper({ applied: 10 });
    node.probe("b", 6);
    const batch = node.append("b", 6, { epoch: 4, index: 9 }, 2, 11);
    expect(batch).toMatchObject({ truncateAfter: undefined, append: undefined });
    expect(batch.sends).toMatchObject([{ message: { type: "state", applied: 10 } }]);
  });

  it.each([
    ["of another epoch", { epoch: 3, index: 10 }],
    ["that is missing here", { epoch: 4, index: 12 }],
  ])("nothing is taken behind an entry %s", (_, prev) => {
    const node = new Stepper();
    node.probe("b", 6);
    expect(node.append("b", 6, prev, 1).append).toBeUndefined();
  });

  it("only what the primary has shown to be its own is acknowledged and applied", () => {
    const node = new Stepper();
    node.probe("b", 6);
    expect(acks(node.heartbeat("b", 6, { commit: 10 }))).toMatchObject([{ matched: 0 }]);
    const shown = node.append("b", 6, { epoch: 4, index: 6 }, 0, 10);
    expect(shown.applyTo).toBe(6);
    expect(acks(shown)).toMatchObject([{ matched: 6 }]);
  });
});

it("a state is as current as the primary's word, once all that was committed then is applied", () => {
  const node = new Stepper();
  node.probe("b", 6);
  node.heartbeat("b", 6, { commit: 10, echo: 900 });
  expect(node.core.status(node.now).staleMs).toBe(Infinity);
  node.append("b", 6, PREV, 0, 10);
  expect(node.core.status(node.now).staleMs).toBe(100);
});

describe("a disk that was behind", () => {
  it("is complete once it holds durably what was committed, and the entry that opened the epoch", () => {
    const node = new Stepper({ meta: { isComplete: false } });
    node.probe("b", 6);
    expect(node.heartbeat("b", 6, { commit: 10, openIndex: 11 }).meta).not.toMatchObject({ isComplete: true });
    expect(node.append("b", 6, PREV, 1).meta).toBeUndefined();
    expect(node.step({ type: "durable", index: 11 }).meta).toMatchObject({ isComplete: true });
  });

  it.each([0, 5000])("is not by a word to an earlier process on it, which had told the time %i", (echo) => {
    const node = new Stepper({ meta: { isComplete: false } });
    node.probe("b", 6);
    expect(node.append("b", 6, PREV, 0).meta).toBeUndefined();
    expect(node.heartbeat("b", 6, { commit: 1, openIndex: 1, echo }).meta).not.toMatchObject({ isComplete: true });
    expect(node.heartbeat("b", 6, { commit: 10, openIndex: 10 }).meta).toMatchObject({ isComplete: true });
  });

  it("does not count by its length alone: it must be the primary's log", () => {
    const node = new Stepper({ meta: { isComplete: false } });
    node.probe("b", 6);
    expect(node.heartbeat("b", 6, { commit: 9, openIndex: 9 }).meta).not.toMatchObject({ isComplete: true });
    expect(node.append("b", 6, PREV, 0).meta).toMatchObject({ isComplete: true });
  });

  it("is not complete again by what was committed before an old snapshot came", () => {
    const node = new Stepper();
    node.probe("b", 6);
    node.heartbeat("b", 6, { commit: 5, openIndex: 5 });
    node.step({ type: "snapshot-offered", from: "b", epoch: 6 });
    node.step({ type: "installed", at: { epoch: 4, index: 6 } });
    expect(node.append("b", 6, { epoch: 4, index: 6 }, 0).meta).toBeUndefined();
  });

  it("holds nothing when the snapshot failed", () => {
    const node = new Stepper({ applied: 10 });
    node.probe("b", 6);
    node.step({ type: "snapshot-offered", from: "b", epoch: 6 });
    node.step({ type: "installed", at: { epoch: 0, index: 0 } });
    expect(node.core.status(node.now)).toMatchObject({ last: { index: 0 }, commitIndex: 0, applied: { index: 0 } });
  });

  it("counts no more from the moment a snapshot is taken in, until it is there", () => {
    const node = new Stepper();
    node.probe("b", 6);
    node.append("b", 6, PREV, 1);
    node.probe("b", 6, 2);
    const offered = node.step({ type: "snapshot-offered", from: "b", epoch: 6 });
    expect(offered).toMatchObject({ install: true, meta: { isComplete: false } });
    expect(acks(node.heartbeat("b", 6, { commit: 10 }))).toMatchObject([{ matched: 0, isComplete: false }]);
    expect(node.step({ type: "durable", index: 11 })).toMatchObject({ sends: [], meta: undefined });
    const appended = node.append("b", 6, { epoch: 6, index: 11 }, 1, 11);
    expect(appended).toMatchObject({ append: undefined, applyTo: undefined, sends: [] });
    expect(node.core.candidacy(undefined, node.now)).toEqual({ abstain: "a snapshot is being taken in" });
    expect(node.step({ type: "snapshot-offered", from: "c", epoch: 5 }).install).toBe(false);
  });
});

describe("failsafe", () => {
  it("who confirms does not take the Lease for as long as was asked, unless its holder lets it go", () => {
    const node = new Stepper();
    node.probe("b", 6);
    const batch = node.heartbeat("b", 6, { until: 77 });
    expect(acks(batch)).toMatchObject([{ confirms: 77 }]);
    const held = { ...heldBy("b") };
    expect(node.core.candidacy(held, node.now + 1999)).toMatchObject({ abstain: expect.stringMatching(/promised/) });
    expect(node.core.candidacy(held, node.now + 2000)).toEqual({ epochAbove: 6 });
    expect(node.core.candidacy({ ...held, holder: undefined }, node.now)).toEqual({ epochAbove: 6 });
  });

  it("who may be taking the Lease itself does not confirm", () => {
    const node = new Stepper();
    node.probe("b", 6);
    expect(node.core.candidacy(heldBy("b"), node.now)).toEqual({ epochAbove: 6 });
    expect(acks(node.heartbeat("b", 6, { until: 77 }))).toMatchObject([{ confirms: 0 }]);
    node.now += 61_000;
    expect(acks(node.heartbeat("b", 6, { until: 78 }))).toMatchObject([{ confirms: 78 }]);
  });

  const heldBy = (holder: string) => ({
    holder,
    epoch: 6,
    annotations: { "in-sync": JSON.stringify({ dataId: "D", epoch: 6, version: 0, members: ["a", "b"] }) },
  });
});
