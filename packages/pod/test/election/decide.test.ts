import type { Lease } from "kubernetes-types/coordination/v1.js";
import { describe, expect, test } from "vitest";
import { decide, type Observation, observe, type View } from "../../src/election/decide.ts";
import { acquired, handToAnnotation, incarnationAnnotation, released, renewed } from "../../src/election/lease.ts";
import { electionTiming } from "../../src/election/timing.ts";

const timing = electionTiming(15_000);
const me = { name: "pod-0", incarnation: "first" };
const other = { name: "pod-1", incarnation: "x" };
const wallMs = 1_700_000_000_000;

const takenBy = (holder: { name: string; incarnation: string }, epoch = 3): Lease =>
  acquired(undefined, "lease", { me: holder, epoch, durationMs: 15_000, wallMs, annotations: {} });
const seen = (lease: Lease | undefined, at = 1000): Observation => observe(undefined, lease, at, 15_000);
const view = (parts: Partial<View>): View => ({
  me,
  timing,
  observation: undefined,
  term: undefined,
  yieldUntil: 0,
  givesWayUntil: 0,
  predecessor: "release",
  ...parts,
});

const handed = (to: string): Lease => released(takenBy(other), wallMs, to);

test.each<[string, View, number, string, number?]>([
  ["nothing seen yet", view({}), 0, "wait"],
  ["there is no Lease", view({ observation: seen(undefined) }), 1000, "take"],
  ["another holds it", view({ observation: seen(takenBy(other)) }), 15_999, "wait", 16_000],
  ["another held it", view({ observation: seen(takenBy(other)) }), 16_000, "take"],
  ["it was released", view({ observation: seen(released(takenBy(other), wallMs, undefined)) }), 1000, "take"],
  ["it was handed to me", view({ observation: seen(handed("pod-0")) }), 1000, "take"],
  ["it was handed to another", view({ observation: seen(handed("pod-2")) }), 2999, "wait", 3000],
  ["the other did not come", view({ observation: seen(handed("pod-2")) }), 3000, "take"],
  ["I promised to hold back", view({ observation: seen(undefined), yieldUntil: 5000 }), 4999, "wait", 5000],
  [
    "I promised to, and it was handed to me",
    view({ observation: seen(handed("pod-0")), yieldUntil: 5000 }),
    1000,
    "wait",
    5000,
  ],
  ["I have handed it over", view({ observation: seen(handed("pod-2")), givesWayUntil: 9000 }), 8999, "wait", 9000],
  [
    "I have handed it over, and it was handed back",
    view({ observation: seen(handed("pod-0")), givesWayUntil: 5000 }),
    1000,
    "take",
  ],
  ["my promise is over", view({ observation: seen(undefined), yieldUntil: 5000 }), 5000, "take"],
  ["this process holds it without a term", view({ observation: seen(takenBy(me)) }), 1000, "take"],
  [
    "another incarnation of my name holds it",
    view({ observation: seen(takenBy({ ...me, incarnation: "second" })) }),
    15_999,
    "wait",
    16_000,
  ],
  [
    "a dead process of this very pod left it",
    view({
      me: { name: "pod-0", incarnation: "uid/2" },
      observation: seen(takenBy({ name: "pod-0", incarnation: "uid/1" })),
    }),
    1000,
    "release",
  ],
  [
    "a dead process of this very pod left it, and this pod is to succeed",
    view({
      me: { name: "pod-0", incarnation: "uid/2" },
      observation: seen(takenBy({ name: "pod-0", incarnation: "uid/1" })),
      predecessor: "succeed",
    }),
    1000,
    "take",
  ],
  [
    "a pod of my name with another uid holds it",
    view({
      me: { name: "pod-0", incarnation: "uid/2" },
      observation: seen(takenBy({ name: "pod-0", incarnation: "old/1" })),
    }),
    15_999,
    "wait",
    16_000,
  ],
  [
    "another pod's name with my uid holds it",
    view({
      me: { name: "pod-0", incarnation: "uid/2" },
      observation: seen(takenBy({ name: "pod-1", incarnation: "uid/1" })),
    }),
    15_999,
    "wait",
    16_000,
  ],
  ["I lead", view({ observation: seen(takenBy(me)), term: { epoch: 3, validUntil: 9000 } }), 8999, "renew"],
  ["my deadline passed", view({ observation: seen(takenBy(me)), term: { epoch: 3, validUntil: 9000 } }), 9000, "end"],
  ["another took it", view({ observation: seen(takenBy(other)), term: { epoch: 3, validUntil: 9000 } }), 2000, "end"],
  [
    "I hold a later epoch",
    view({ observation: seen(takenBy(me, 4)), term: { epoch: 3, validUntil: 9000 } }),
    2000,
    "end",
  ],
  ["it was deleted", view({ observation: seen(undefined), term: { epoch: 3, validUntil: 9000 } }), 2000, "end"],
])("when %s", (_, given, now, kind, until) => {
  const action = decide(given, now);
  expect(action.kind).toBe(kind);
  if (until !== undefined) expect(action).toMatchObject({ until });
});

describe("observing", () => {
  const first = seen(takenBy(other));

  test("a renewal prolongs the holder's word, by the duration the holder recorded", () => {
    const lease = renewed({ ...takenBy(other), spec: { ...takenBy(other).spec, leaseDurationSeconds: 40 } }, wallMs);
    expect(observe(first, lease, 5000, 15_000)).toMatchObject({ seenAt: 5000, expiresAt: 45_000 });
  });

  test("an annotation by somebody else does not", () => {
    const touched = { ...takenBy(other), metadata: { annotations: { hello: "world" }, resourceVersion: "9" } };
    const next = observe(first, touched, 5000, 15_000);
    expect(next).toMatchObject({ seenAt: 1000, expiresAt: 16_000 });
    expect(next.record.annotations).toEqual({ hello: "world" });
  });

  test("the last word of a holder whose Lease was deleted still counts", () => {
    expect(observe(first, undefined, 5000, 15_000)).toMatchObject({ expiresAt: 16_000, record: { epoch: 0 } });
  });

  test("a holder without a recorded duration is given ours", () => {
    const { leaseDurationSeconds: _, ...spec } = takenBy(other).spec ?? {};
    expect(observe(undefined, { spec }, 1000, 15_000).expiresAt).toBe(16_000);
  });
});

describe("the Lease as written", () => {
  const taken = takenBy(me, 7);

  test("has client-go's fields", () => {
    expect(taken.spec).toEqual({
      holderIdentity: "pod-0",
      leaseDurationSeconds: 15,
      acquireTime: "2023-11-14T22:13:20.000000Z",
      renewTime: "2023-11-14T22:13:20.000000Z",
      leaseTransitions: 6,
    });
    expect(taken.metadata).toEqual({ name: "lease", annotations: { [incarnationAnnotation]: "first" } });
  });

  test("moves its renew time even when the wall clock goes back", () => {
    expect(renewed(taken, wallMs - 3_600_000).spec?.renewTime).toBe("2023-11-14T22:13:20.000001Z");
  });

  test("keeps what others put into the object", () => {
    const base = { ...taken, metadata: { ...taken.metadata, labels: { a: "b" }, resourceVersion: "5" } };
    expect(renewed(base, wallMs, { x: "1" }).metadata).toMatchObject({
      labels: { a: "b" },
      resourceVersion: "5",
      annotations: { x: "1", [incarnationAnnotation]: "first" },
    });
  });

  test("is released as client-go does it, and a take clears the hand-over", () => {
    const free = released(taken, wallMs, "pod-2");
    expect(free.spec).toMatchObject({ holderIdentity: "", leaseDurationSeconds: 1, leaseTransitions: 6 });
    expect(free.metadata?.annotations?.[handToAnnotation]).toBe("pod-2");
    const again = acquired(free, "lease", { me, epoch: 8, durationMs: 15_000, wallMs, annotations: { gone: null } });
    expect(again.metadata?.annotations).toEqual({ [incarnationAnnotation]: "first" });
  });
});
