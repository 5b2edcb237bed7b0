import type { StatefulSet } from "kubernetes-types/apps/v1.js";
import type { Pod } from "kubernetes-types/core/v1.js";
import { describe, expect, it } from "vitest";
import { planStatefulSet } from "../../src/controllers/statefulset/plan.ts";
import type { Stored } from "../../src/machinery/types.ts";
import { statefulSet } from "./support/manifests.ts";

const now = Date.parse("2026-01-01T01:00:00Z");

type State = "ready" | "unready" | "leaving" | "failed" | "fresh";
const ready = (status: string, since = "2026-01-01T00:00:00Z") => [
  { type: "Ready", status, lastTransitionTime: since },
];
const statuses: Record<State, object> = {
  ready: { phase: "Running", conditions: ready("True") },
  unready: { phase: "Running", conditions: ready("False") },
  leaving: { phase: "Running", conditions: ready("True") },
  failed: { phase: "Failed" },
  fresh: { phase: "Running", conditions: ready("True", "2026-01-01T00:59:55Z") },
};

/** A pod of the set; `old` ones have the revision before. */
const pod = (ordinal: number, state: State = "ready", revision = "new") =>
  ({
    metadata: {
      name: `web-${ordinal}`,
      labels: {
        "controller-revision-hash": revision,
        "statefulset.kubernetes.io/pod-name": `web-${ordinal}`,
        "apps.kubernetes.io/pod-index": String(ordinal),
      },
      ...(state === "leaving" && { deletionTimestamp: "2026-01-01T01:00:30Z" }),
    },
    spec: { nodeName: "a" },
    status: statuses[state],
  }) as unknown as Stored<Pod>;

type Spec = Partial<NonNullable<StatefulSet["spec"]>>;
const rolling = (rollingUpdate: object): Spec => ({ updateStrategy: { type: "RollingUpdate", rollingUpdate } });
const parallel: Spec = { podManagementPolicy: "Parallel" };

/** `create 1 new`, `delete web-2 update` and so on. */
function plan(spec: Spec, pods: Stored<Pod>[]): string[] {
  const set = statefulSet("web", spec);
  const { actions } = planStatefulSet({ set, pods, currentRevision: "old", updateRevision: "new", now });
  return actions.map((action) => {
    if (action.do === "create") return `create ${action.ordinal} ${action.revision}`;
    return action.do === "delete" ? `delete ${action.pod.metadata.name} ${action.why}` : action.do;
  });
}

describe("planStatefulSet", () => {
  const cases: [string, Spec, Stored<Pod>[], string[]][] = [
    ["starts with the first", {}, [], ["create 0 new"]],
    ["waits for the one before", {}, [pod(0, "unready")], []],
    ["goes on", {}, [pod(0)], ["create 1 new"]],
    ["fills a gap before it goes on", {}, [pod(0), pod(2)], ["create 1 new"]],
    ["starts all at once in parallel", parallel, [pod(1, "unready")], ["create 0 new", "create 2 new"]],
    ["counts from ordinals.start", { ordinals: { start: 5 }, replicas: 2 }, [pod(5)], ["create 6 new"]],
    ["replaces a failed pod", {}, [pod(0), pod(1, "failed"), pod(2)], ["delete web-1 ended"]],
    ["waits for a pod to leave", {}, [pod(0, "leaving"), pod(1), pod(2)], []],
    ["waits for minReadySeconds", { minReadySeconds: 10 }, [pod(0, "fresh")], []],
    ["is content", {}, [pod(0), pod(1), pod(2)], []],
    ["removes the highest", { replicas: 1 }, [pod(0), pod(1), pod(2)], ["delete web-2 scale-down"]],
    ["removes one at a time", { replicas: 1 }, [pod(0), pod(1), pod(2, "leaving")], []],
    ["does not shrink while a wanted pod is away", { replicas: 2 }, [pod(0), pod(1, "unready"), pod(2)], []],
    [
      "removes a surplus pod that is not healthy, if all below are",
      { replicas: 1 },
      [pod(0), pod(1), pod(2, "unready")],
      ["delete web-2 scale-down"],
    ],
    ["but not if one below is not either", { replicas: 1 }, [pod(0), pod(1, "unready"), pod(2, "unready")], []],
    [
      "removes all surplus at once in parallel",
      { ...parallel, replicas: 1 },
      [pod(0), pod(1), pod(2)],
      ["delete web-2 scale-down", "delete web-1 scale-down"],
    ],
    [
      "updates the highest first",
      {},
      [pod(0, "ready", "old"), pod(1, "ready", "old"), pod(2)],
      ["delete web-1 update"],
    ],
    ["waits for the updated one", {}, [pod(0, "ready", "old"), pod(1, "ready", "old"), pod(2, "unready")], []],
    ["stops at the partition", rolling({ partition: 2 }), [pod(0, "ready", "old"), pod(1, "ready", "old"), pod(2)], []],
    [
      "creates the old revision below the partition",
      rolling({ partition: 2 }),
      [pod(0, "ready", "old")],
      ["create 1 old"],
    ],
    [
      "updates maxUnavailable at a time",
      rolling({ maxUnavailable: 2 }),
      [pod(0, "ready", "old"), pod(1, "ready", "old"), pod(2, "ready", "old")],
      ["delete web-2 update", "delete web-1 update"],
    ],
    [
      "updates nothing with OnDelete",
      { updateStrategy: { type: "OnDelete" } },
      [0, 1, 2].map((i) => pod(i, "ready", "old")),
      [],
    ],
    [
      "does not repair a broken update by itself",
      {},
      [pod(0, "ready", "old"), pod(1, "ready", "old"), pod(2, "unready", "older")],
      [],
    ],
  ];
  it.each(cases)("%s", (_, spec, pods, expected) => {
    expect(plan(spec, pods)).toEqual(expected);
  });

  it("comes back when the next pod becomes available", () => {
    const set = statefulSet("web", { minReadySeconds: 10 });
    const sight = { set, pods: [pod(0, "fresh")], currentRevision: "new", updateRevision: "new", now };
    expect(planStatefulSet(sight).againInMs).toBe(5_000);
  });

  it("does nothing for a set on its way out", () => {
    const set = { ...statefulSet("web"), metadata: { name: "web", deletionTimestamp: "2026-01-01T00:00:00Z" } };
    expect(planStatefulSet({ set, pods: [], currentRevision: "a", updateRevision: "a", now })).toEqual({ actions: [] });
  });
});
