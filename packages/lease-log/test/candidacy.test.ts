/** Who may take the Lease, case by case. */
import { describe, expect, it } from "vitest";
import { noteReport } from "../src/core/candidacy.ts";
import { Core } from "../src/core/core.ts";
import type { Report } from "../src/core/messages.ts";
import type { CoreConfig, Meta } from "../src/core/types.ts";
import type { ArbiterRecord, Candidacy, Position } from "../src/index.ts";
import { DEFAULT_TIMING } from "../src/options.ts";
import { CONFIG, META, recordOf, Stepper, setOf } from "./support/core.ts";

const BLANK: Meta = { dataId: undefined, freshDataId: "F", epochSeen: 0, isComplete: false, inSync: undefined };

function record(members: readonly string[], more: { dataId?: string; holder?: string } = {}): ArbiterRecord {
  const text = JSON.stringify({ dataId: more.dataId ?? "D", epoch: 4, version: 0, members });
  return { holder: more.holder, epoch: 4, annotations: { "in-sync": text } };
}

function report(more: Partial<Report>): Report {
  const last: Position = { epoch: 4, index: 10 };
  return {
    type: "report",
    dataId: "D",
    epochSeen: 4,
    last,
    isComplete: true,
    isLeading: false,
    inSync: META.inSync,
    ...more,
  };
}

interface Case {
  readonly meta?: Meta;
  readonly config?: Partial<CoreConfig>;
  readonly peers?: readonly string[];
  readonly reports?: Readonly<Record<string, Report>>;
  readonly now?: number;
}

function ask(
  observed: ArbiterRecord | undefined,
  { meta = META, config, peers = ["a", "b"], reports = {}, now = 1000 }: Case = {},
): Candidacy {
  const last = meta.dataId === undefined ? 0 : 10;
  const restored = {
    meta,
    base: { epoch: 0, index: 0 },
    runs: last > 0 ? [{ epoch: 4, first: 1 }] : [],
    last,
    applied: 0,
  };
  const core = new Core({ ...CONFIG, ...config }, restored, 0);
  const at = { now, termLeftMs: 0 };
  core.step({ type: "peers", ids: peers }, at);
  for (const [from, message] of Object.entries(reports)) core.step({ type: "message", from, message }, at);
  return core.candidacy(observed, now);
}

const abstains = (why: RegExp) => ({ abstain: expect.stringMatching(why) });

it("reports of members that left are forgotten", () => {
  const node = { reports: new Map() };
  for (let member = 0; member < 1000; member++)
    noteReport({ node, at: { now: member * 100 } }, `m${member}`, report({}));
  expect(node.reports.size).toBeLessThan(30);
  expect(node.reports.has("m999")).toBe(true);
});

describe("with a record", () => {
  it("a member that holds everything may, above every epoch that it has seen", () => {
    expect(ask(record(["a", "b"]))).toEqual({ epochAbove: 4 });
  });

  it.each<[string, ArbiterRecord, Case, RegExp]>([
    ["who is not named", record(["b", "c"]), {}, /not in sync/],
    ["whose disk is empty", record(["a", "b"]), { meta: BLANK }, /disk is empty/],
    ["whose disk is incomplete", record(["a", "b"]), { meta: { ...META, isComplete: false } }, /not hold all/],
    ["whose disk is another cluster's", record(["a"], { dataId: "E" }), {}, /another cluster/],
  ])("not one %s", (_, observed, more, why) => {
    expect(ask(observed, more)).toMatchObject(abstains(why));
  });

  it("in async, the one that holds the most", () => {
    const config = { mode: "async" as const };
    const ahead = report({ last: { epoch: 4, index: 11 } });
    expect(ask(record(["a", "b"]), { config, reports: { b: ahead } })).toMatchObject(abstains(/b holds more/));
    expect(ask(record(["a", "b"]), { config, reports: { b: report({}) } })).toEqual({ epochAbove: 4 });
    expect(ask(record(["a"]), { config, reports: { b: ahead } })).toEqual({ epochAbove: 4 });
  });

  it("a node that wrote the record to start, and crashed before its first write, may go on", () => {
    expect(ask(record(["a"], { dataId: "F" }), { meta: BLANK })).toEqual({ epochAbove: 0 });
  });
});

describe("without a record", () => {
  it("a first boot waits for peers to say that they are empty, for a while", () => {
    const blank = report({ dataId: undefined, inSync: undefined, isComplete: false, epochSeen: 0 });
    expect(ask(undefined, { meta: BLANK })).toMatchObject(abstains(/waiting for b/));
    const started = { epochAbove: 0, annotations: { "in-sync": expect.stringContaining('"members":["a"]') } };
    expect(ask(undefined, { meta: BLANK, reports: { b: blank } })).toEqual(started);
    expect(ask(undefined, { meta: BLANK, peers: ["a"] })).toEqual(started);
    expect(ask(undefined, { meta: BLANK, now: DEFAULT_TIMING.bootstrapWaitMs + 1 })).toEqual(started);
    expect(ask(undefined, { meta: BLANK, reports: { b: report({}) } })).toMatchObject(abstains(/b holds data/));
  });

  it.each<[string, Record<string, Report>, RegExp]>([
    ["a member does not answer", {}, /b, which was in sync, does not answer/],
    ["a member has lost its data", { b: report({ isComplete: false }) }, /has lost its data/],
    ["a member holds more", { b: report({ last: { epoch: 5, index: 3 } }) }, /b holds more/],
    [
      "a member knows a newer set that leaves this node out",
      { b: report({ inSync: setOf(5, ["b"]) }) },
      /last in sync were b/,
    ],
    [
      "a member knows a newer set with one who is silent",
      { b: report({ inSync: setOf(5, ["a", "b", "c"]) }) },
      /c, which was in sync/,
    ],
    [
      "a member knows an equally new set, a change under way, with one who is silent",
      { b: report({ inSync: setOf(4, ["a", "b", "c"]) }) },
      /c, which was in sync/,
    ],
    ["there is a primary", { c: report({ isLeading: true }) }, /c is the primary/],
  ])("data stays put while %s", (_, reports, why) => {
    expect(ask(undefined, { reports })).toMatchObject(abstains(why));
  });

  it("an empty disk that has seen a record of data starts nothing when that record goes", () => {
    const node = new Stepper({ meta: BLANK });
    node.now = DEFAULT_TIMING.bootstrapWaitMs + 1;
    node.step({ type: "arbiter", observed: record(["b"], { holder: "b" }), termEpoch: undefined });
    expect(node.core.candidacy(undefined, node.now)).toMatchObject(abstains(/the Lease was deleted/));
  });

  it("the last in-sync set leads again when it is there as a whole", () => {
    const answer = ask(undefined, { reports: { b: report({ epochSeen: 9 }) } });
    expect(answer).toEqual({ epochAbove: 9, annotations: { "in-sync": expect.stringContaining('"dataId":"D"') } });
  });
});

it("a deleted record is rebuilt only by what the others say since it was missed: one may have won a term before", () => {
  const node = new Stepper();
  node.step({ type: "arbiter", observed: recordOf(4, ["a", "b"], "b"), termEpoch: undefined });
  node.receive("b", report({}));
  node.now += 100;
  node.step({ type: "arbiter", observed: undefined, termEpoch: undefined });
  expect(node.core.candidacy(undefined, node.now)).toMatchObject(abstains(/does not answer/));
  node.receive("b", report({}));
  expect(node.core.candidacy(undefined, node.now)).toMatchObject({ epochAbove: 4 });
});
