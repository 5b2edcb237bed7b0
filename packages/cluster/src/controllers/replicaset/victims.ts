import type { Pod } from "kubernetes-types/core/v1.js";
import type { Stored } from "../../machinery/types.ts";
import { isReady, podCondition } from "../harness/pods.ts";

const deletionCost = "controller.kubernetes.io/pod-deletion-cost";
const phases = ["Pending", "Unknown", "Running"];

const restarts = ({ status }: Pod) =>
  Math.max(0, ...(status?.containerStatuses ?? []).map(({ restartCount }) => restartCount));

/** What is compared, first difference decides; the pod with the lower value goes first. */
function rank(pod: Stored<Pod>, siblings: ReadonlyMap<string, number>): (number | string)[] {
  return [
    pod.spec?.nodeName ? 1 : 0,
    phases.indexOf(pod.status?.phase ?? "Pending"),
    isReady(pod) ? 1 : 0,
    Number(pod.metadata.annotations?.[deletionCost] ?? 0),
    -(siblings.get(pod.spec?.nodeName ?? "") ?? 0),
    -Date.parse(podCondition(pod, "Ready")?.lastTransitionTime ?? "1970-01-01"),
    -restarts(pod),
    -Date.parse(pod.metadata.creationTimestamp),
    pod.metadata.name,
  ];
}

function compare(a: readonly (number | string)[], b: readonly (number | string)[]): number {
  const at = a.findIndex((value, i) => value !== b[i]);
  return at < 0 ? 0 : (a[at] as number) < (b[at] as number) ? -1 : 1;
}

/** The pods to delete first, as Kubernetes ranks them: unplaced, not ready, cheap, crowded, young. */
export function chooseVictims(pods: readonly Stored<Pod>[], count: number): Stored<Pod>[] {
  const siblings = new Map<string, number>();
  for (const { spec } of pods) siblings.set(spec?.nodeName ?? "", (siblings.get(spec?.nodeName ?? "") ?? 0) + 1);
  const ranked = pods.map((pod) => ({ pod, rank: rank(pod, siblings) }));
  return ranked
    .sort((a, b) => compare(a.rank, b.rank))
    .slice(0, count)
    .map(({ pod }) => pod);
}
