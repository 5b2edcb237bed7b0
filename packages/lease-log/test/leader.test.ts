/** When a primary commits, keeps its authority and changes the in-sync set, case by case. */
import { describe, expect, it } from "vitest";
import { Core } from "../src/core/core.ts";
import type { Meta } from "../src/core/types.ts";
import { CONFIG, recordOf, Stepper } from "./support/core.ts";

/** `a` leads epoch 5 of a, b and c; the others are sent its opening entry, 11, which is durable here. */
function leading(members: readonly string[] = ["a", "b", "c"], given: ConstructorParameters<typeof Stepper>[0] = {}) {
  const node = new Stepper(given);
  node.lead(5, members);
  for (const id of ["b", "c"]) node.connect(id, 5);
  node.step({ type: "durable", index: 11 });
  return node;
}

/** The same, with the opening entry committed. */
function opened(members?: readonly string[], given?: ConstructorParameters<typeof Stepper>[0]): Stepper {
  const node = leading(members, given);
  for (const id of ["b", "c"]) node.ack(id, 5, 11);
  return node;
}

describe("a commit", () => {
  it("waits for everyone in sync and for the own disk", () => {
    const node = leading();
    expect(node.ack("b", 5, 11).applyTo).toBeUndefined();
    expect(node.ack("c", 5, 11).applyTo).toBe(11);
    node.step({ type: "propose", count: 1 });
    for (const id of ["b", "c"]) expect(node.ack(id, 5, 12).applyTo).toBeUndefined();
    expect(node.step({ type: "durable", index: 12 }).applyTo).toBe(12);
  });

  it("of an older epoch's entries waits for the entry that opened this one", () => {
    const node = leading();
    for (const id of ["b", "c"]) expect(node.ack(id, 5, 10).applyTo).toBeUndefined();
    expect(node.core.hasOpened).toBe(false);
  });

  it("needs minInSync members in the record", () => {
    const node = leading(["a"], { config: { minInSync: 2 } });
    for (const id of ["b", "c"]) node.ack(id, 5, 11);
    expect(node.core.hasOpened).toBe(false);
  });

  it("counts no acknowledgement of another epoch, of an older session, or of more than there is", () => {
    const node = leading(["a", "b"]);
    expect(node.ack("b", 4, 11).applyTo).toBeUndefined();
    expect(node.ack("b", 5, 11, { session: 0 }).applyTo).toBeUndefined();
    expect(node.ack("b", 5, 1000).applyTo).toBe(11);
    node.step({ type: "propose", count: 1 });
    expect(node.step({ type: "durable", index: 12 }).applyTo).toBeUndefined();
  });

  it("counts nothing that was acknowledged before a new session", () => {
    const node = opened(["a", "b"]);
    node.step({ type: "propose", count: 1 });
    node.ack("b", 5, 12);
    node.step({ type: "peer-up", id: "b" });
    expect(node.step({ type: "durable", index: 12 }).applyTo).toBeUndefined();
  });
});

describe("a first boot", () => {
  const blank: Meta = { dataId: undefined, freshDataId: "D", epochSeen: 0, isComplete: false, inSync: undefined };
  const at = { now: 1000, termLeftMs: 5000 };
  const boot = (meta: Meta, last: number): Core => {
    const restored = {
      meta,
      base: { epoch: 0, index: 0 },
      runs: last > 0 ? [{ epoch: 1, first: 1 }] : [],
      last,
      applied: 0,
    };
    return new Core(CONFIG, restored, 1);
  };
  const lead = (core: Core, epoch: number) =>
    core.step({ type: "arbiter", observed: recordOf(epoch, ["a"]), termEpoch: epoch }, at);

  it("names the disk only once its opening entry is there: cut off before, it begins again, with whatever of the log is left", () => {
    const { meta } = lead(boot(blank, 0), 1);
    expect(meta).toEqual({ ...blank, epochSeen: 1 });
    for (const last of [0, 1, 3]) {
      const again = boot(meta as Meta, last);
      expect(again.candidacy(recordOf(1, ["a"], "someone"), 1000)).toMatchObject({ epochAbove: 1 });
      lead(again, 2);
      const opened = again.step({ type: "durable", index: last + 1 }, at);
      expect(opened).toMatchObject({ meta: { dataId: "D", isComplete: true }, applyTo: last + 1 });
    }
  });

  it("is over when somebody else may hold the data, or the disk is another", () => {
    for (const meta of [blank, { ...blank, freshDataId: "E" }]) {
      const members = meta === blank ? ["a", "b"] : ["a"];
      expect(boot(meta, 0).candidacy(recordOf(1, members), 1000)).toEqual({
        abstain: expect.stringMatching(/this disk is empty/),
      });
    }
  });
});

describe("authority", () => {
  it("ends with the term; a read needs it, the opening entry, and a state that is that far", () => {
    const node = leading(["a", "b"]);
    const at = { now: node.now, termLeftMs: 5000 };
    expect(node.core.canRead(at, 10)).toBe(false);
    node.ack("b", 5, 11);
    expect(node.core.canRead(at, 11)).toBe(true);
    expect(node.core.canRead(at, 10)).toBe(false);
    expect(node.core.canRead({ ...at, termLeftMs: 0 }, 11)).toBe(false);
  });

  it("is looked at before anything else", () => {
    const node = opened();
    node.termLeftMs = 0;
    expect(node.ack("b", 5, 11)).toMatchObject({ lost: "the term ended", feeds: [] });
  });

  it("begins when the Lease as observed shows the term", () => {
    const node = new Stepper();
    node.termLeftMs = 5000;
    node.step({ type: "arbiter", observed: recordOf(5, ["a"], "b"), termEpoch: 5 });
    node.step({ type: "arbiter", observed: recordOf(4, ["a"]), termEpoch: 5 });
    expect(node.core.isLeading).toBe(false);
    node.step({ type: "arbiter", observed: recordOf(5, ["a"]), termEpoch: 5 });
    expect(node.core.isLeading).toBe(true);
  });

  it("is not that of a later term, which another may have held in between", () => {
    const node = opened();
    const { lost } = node.step({ type: "arbiter", observed: recordOf(7, ["a"]), termEpoch: 7 });
    expect(lost).toBe("the term ended");
  });

  it("lasts in failsafe while everyone in sync confirms, and the Lease is not known to be another's", () => {
    const node = opened();
    const { now } = node;
    const confirms = now + 1600;
    node.ack("b", 5, 11, { confirms });
    expect(node.core.hasAuthority({ now, termLeftMs: 0 })).toBe(false);
    node.ack("c", 5, 11, { confirms });
    node.ack("c", 5, 11, { confirms: now });
    expect(node.core.hasAuthority({ now, termLeftMs: 0 })).toBe(true);
    expect(node.core.hasAuthority({ now: now + 1599, termLeftMs: 0 })).toBe(true);
    expect(node.core.hasAuthority({ now: now + 1600, termLeftMs: 0 })).toBe(false);
    node.termLeftMs = 0;
    node.step({ type: "arbiter", observed: recordOf(6, ["a", "b"], "b"), termEpoch: undefined });
    expect(node.core.isLeading).toBe(false);
  });

  it("asks everyone to confirm it at each heartbeat, long before the term ends, for as long as a term lasts", () => {
    const node = opened();
    node.now += 1000;
    const asked = node
      .step({ type: "tick" })
      .sends.flatMap(({ to, message }) => (message.type === "heartbeat" ? [{ to, ...message.confirm }] : []));
    // More is promised than is counted on: clocks may run at rates that differ.
    const confirm = { forMs: 6250, until: node.now + 5000 };
    expect(asked).toEqual(["b", "c"].map((to) => ({ to, ...confirm })));
  });

  it("ends with the term, whoever confirms, once this node lets the Lease go", () => {
    const node = opened();
    for (const id of ["b", "c"]) node.ack(id, 5, 11, { confirms: node.now + 1600 });
    node.core.letGo();
    expect(node.core.canRead({ now: node.now, termLeftMs: 1 }, 11)).toBe(true);
    expect(node.core.canRead({ now: node.now, termLeftMs: 0 }, 11)).toBe(false);
  });

  it("is given up to whoever has seen a newer epoch", () => {
    const node = opened();
    const { lost, stepDown } = node.receive("b", { type: "refuse", reason: "epoch", epoch: 6 });
    expect([lost, stepDown?.reason]).toEqual(["b has seen epoch 6", "b has seen epoch 6"]);
  });

  it.each<[string, number, Parameters<typeof recordOf>[1], ConstructorParameters<typeof Stepper>[0]]>([
    ["of an epoch that was seen here", 4, ["a"], {}],
    ["that does not name it", 5, ["b"], {}],
    ["of other data", 5, ["a"], { meta: { dataId: "E" } }],
    ["when its disk lacks some", 5, ["a"], { meta: { isComplete: false } }],
  ])("is not taken up from a record %s", (_, epoch, members, given) => {
    const node = new Stepper(given);
    node.lead(epoch, members);
    expect(node.core.isLeading).toBe(false);
  });
});

describe("a replica", () => {
  it("is sent the log from the common prefix on, once it has answered this session", () => {
    const node = new Stepper();
    node.lead(5, ["a", "b"]);
    expect(node.state("b", 4, 8).feeds).toEqual([]);
    expect(node.state("b", 5, 8, { session: 0 }).feeds).toEqual([]);
    expect(node.state("b", 5, 8).feeds).toMatchObject([{ to: "b", after: { epoch: 4, index: 8 }, through: 11 }]);
  });

  it("is not taken for fed by what was sent in an older session", () => {
    const node = opened(["a", "b"]);
    node.step({ type: "peer-up", id: "b" });
    expect(node.state("b", 5, 11, { session: 2 }).feeds).toHaveLength(1);
    node.step({ type: "fed", to: "b", session: 1, through: 11, sizeBytes: 1, isSent: true });
    expect(node.step({ type: "propose", count: 1 }).feeds.filter(({ to }) => to === "b")).toEqual([]);
  });

  it("is sent a snapshot when its state holds more than the two logs share", () => {
    const node = new Stepper();
    node.lead(5, ["a", "b"]);
    expect(node.state("b", 5, 12, { applied: 11 })).toMatchObject({ feeds: [], snapshots: [{ to: "b" }] });
  });
});

describe("a switchover", () => {
  it("waits until everything is committed, and the successor has it", () => {
    const node = opened();
    node.step({ type: "propose", count: 1 });
    expect(node.step({ type: "handover", to: "b" })).toMatchObject({ stepDown: undefined, handoverFailed: undefined });
    expect(node.ack("b", 5, 12).stepDown).toBeUndefined();
    node.ack("c", 5, 12);
    expect(node.step({ type: "durable", index: 12 }).stepDown).toEqual({ reason: "switchover", to: "b" });
  });
});

describe("a switchover in async", () => {
  it("waits for the successor, which commits do not wait for", () => {
    const node = opened(["a", "b", "c"], { config: { mode: "async" } });
    node.step({ type: "propose", count: 1 });
    expect(node.step({ type: "durable", index: 12 }).applyTo).toBe(12);
    expect(node.step({ type: "handover", to: "b" }).stepDown).toBeUndefined();
    expect(node.ack("b", 5, 12).stepDown).toEqual({ reason: "switchover", to: "b" });
  });
});

describe("the in-sync set", () => {
  /** `c` has fallen silent; the write that leaves it out is asked for. */
  function shrinking() {
    const node = opened();
    node.step({ type: "peer-down", id: "c" });
    node.step({ type: "propose", count: 1 });
    node.step({ type: "durable", index: 12 });
    node.now += 300;
    const { record, meta } = node.step({ type: "tick" });
    expect(record).toMatchObject({ members: ["a", "b"] });
    // Whoever finds no record asks the last known members: both sets, until the write is done.
    expect(meta?.inSync?.members).toEqual(["a", "b", "c"]);
    node.ack("b", 5, 12);
    return { node, version: record?.version as number };
  }

  it("lets go of a member only once that is written", () => {
    const { node, version } = shrinking();
    expect(node.step({ type: "recorded", version: version + 1, isWritten: true }).applyTo).toBeUndefined();
    expect(node.step({ type: "recorded", version, isWritten: true }).applyTo).toBe(12);
  });

  it("waits for both sets while nobody knows what became of a write, and writes under a new number", () => {
    const { node, version } = shrinking();
    const { applyTo, record } = node.step({ type: "recorded", version, isWritten: false });
    expect(applyTo).toBeUndefined();
    expect(record?.version).toBeGreaterThan(version);
    expect(node.step({ type: "recorded", version, isWritten: true }).applyTo).toBeUndefined();
    expect(node.step({ type: "recorded", version: record?.version as number, isWritten: true }).applyTo).toBe(12);
  });

  it("takes in who holds every commit, and waits for it from before the write on", () => {
    const node = new Stepper();
    node.lead(5, ["a"]);
    node.step({ type: "durable", index: 11 });
    node.connect("b", 5);
    node.ack("b", 5, 10);
    node.step({ type: "propose", count: 1 });
    expect(node.step({ type: "tick" }).record).toBeUndefined();
    expect(node.step({ type: "durable", index: 12 }).applyTo).toBeUndefined();
    const { applyTo, record } = node.ack("b", 5, 12);
    expect([applyTo, record?.members]).toEqual([12, ["a", "b"]]);
    node.step({ type: "propose", count: 1 });
    expect(node.step({ type: "durable", index: 13 }).applyTo).toBeUndefined();
    node.step({ type: "recorded", version: record?.version as number, isWritten: false });
    expect(node.step({ type: "tick" }).applyTo).toBeUndefined();
    expect(node.ack("b", 5, 13).applyTo).toBe(13);
  });

  it("takes in nobody before it holds the opening entry: what came before may have been acknowledged by an earlier primary", () => {
    const node = new Stepper();
    node.lead(5, ["a", "c"]);
    node.step({ type: "durable", index: 11 });
    node.connect("b", 5, 8);
    node.ack("b", 5, 8);
    expect(node.step({ type: "tick" }).record).toBeUndefined();
    expect(node.ack("b", 5, 10).record).toBeUndefined();
    expect(node.ack("b", 5, 11).record?.members).toEqual(["a", "c", "b"]);
  });

  it("waits in failsafe for nobody who was about to join: that could not be written", () => {
    const node = new Stepper();
    node.lead(5, ["a"]);
    node.step({ type: "durable", index: 11 });
    node.connect("b", 5);
    node.ack("b", 5, 10);
    node.step({ type: "tick" });
    node.ack("b", 5, 10, { confirms: node.now + 1600 });
    node.step({ type: "propose", count: 1 });
    expect(node.step({ type: "durable", index: 12 }).applyTo).toBeUndefined();
    node.termLeftMs = 0;
    expect(node.step({ type: "tick" })).toMatchObject({ lost: undefined, applyTo: 12 });
  });

  it("takes in nobody whose disk does not hold all yet", () => {
    const node = new Stepper();
    node.lead(5, ["a"]);
    node.step({ type: "durable", index: 11 });
    node.connect("b", 5);
    node.ack("b", 5, 11, { isComplete: false });
    expect(node.step({ type: "tick" }).record).toBeUndefined();
    expect(node.ack("b", 5, 11).record).toBeUndefined();
    expect(node.step({ type: "tick" }).record).toMatchObject({ members: ["a", "b"] });
  });

  it("leaves out who holds another cluster's data, until that disk was emptied", () => {
    const node = new Stepper();
    node.lead(5, ["a"]);
    node.step({ type: "durable", index: 11 });
    node.receive("b", { type: "refuse", reason: "foreign", epoch: 9 });
    node.connect("c", 5);
    node.receive("c", { type: "refuse", reason: "foreign", epoch: 9 });
    expect(node.ack("c", 5, 11).record).toBeUndefined();
    node.connect("b", 5, 0);
    node.ack("b", 5, 11);
    expect(node.step({ type: "tick" }).record).toMatchObject({ members: ["a", "b"] });
  });
});
