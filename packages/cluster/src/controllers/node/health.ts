/** What the cluster thinks of a node: pure decisions of the node lifecycle controller. */
import type { Node, NodeCondition, Taint } from "kubernetes-types/core/v1.js";
import { jsonEqual } from "../../machinery/json.ts";
import { findCondition } from "../harness/conditions.ts";

const notReady = "node.kubernetes.io/not-ready";
const unreachable = "node.kubernetes.io/unreachable";
const unschedulable = "node.kubernetes.io/unschedulable";
export const outOfService = "node.kubernetes.io/out-of-service";

export type Readiness = "True" | "False" | "Unknown";

export const readinessOf = ({ status }: Node) =>
  (findCondition(status?.conditions, "Ready")?.status ?? "Unknown") as Readiness;

/** The reason of the conditions that this controller sets, by which it knows them again. */
export const silentReason = "NodeStatusUnknown";

/** The conditions of a node that has not been heard of for too long, and of one that is heard of again. */
export const silentCondition: NodeCondition = {
  type: "Ready",
  status: "Unknown",
  reason: silentReason,
  message: "Kubelet stopped posting node status.",
};

export const heardCondition: NodeCondition = {
  type: "Ready",
  status: "True",
  reason: "KubeletReady",
  message: "kubelet is posting ready status",
};

/** The taints that a readiness brings with it. */
const taintsFor: Readonly<Record<Readiness, readonly string[]>> = {
  True: [],
  False: [notReady],
  Unknown: [unreachable],
};

/** The node's taints as they should be; the same list when nothing changes, so that `timeAdded` stays. */
export function wantedTaints(node: Node, timeAdded: string): readonly Taint[] {
  const present = node.spec?.taints ?? [];
  const wanted: Taint[] = taintsFor[readinessOf(node)].flatMap((key) => [
    { key, effect: "NoSchedule" },
    { key, effect: "NoExecute", timeAdded },
  ]);
  if (node.spec?.unschedulable) wanted.push({ key: unschedulable, effect: "NoSchedule" });
  const ours = [notReady, unreachable, unschedulable];
  const isSame = (a: Taint, b: Taint) => a.key === b.key && a.effect === b.effect;
  const kept = present.filter((taint) => !ours.includes(taint.key) || wanted.some((each) => isSame(each, taint)));
  const added = wanted.filter((each) => !present.some((taint) => isSame(each, taint)));
  return added.length === 0 && jsonEqual(kept, present) ? present : [...kept, ...added];
}
