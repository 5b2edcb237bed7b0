/** Where a DaemonSet's pods belong, and which to create and delete next: a pure decision. */
import type { DaemonSet, DaemonSetStatus } from "kubernetes-types/apps/v1.js";
import type { Node, Pod, PodTemplateSpec, Toleration } from "kubernetes-types/core/v1.js";
import type { Stored } from "../../machinery/types.ts";
import { isDeleting } from "../harness/owners.ts";
import { isAvailable, isReady, isTerminated, podFromTemplate } from "../harness/pods.ts";
import { scaledValue } from "../harness/scaled.ts";
import { matchesNodeAffinity } from "../scheduler/affinity.ts";
import { tolerates } from "../scheduler/filters.ts";

export const hashLabel = "controller-revision-hash";

/** Daemons stay on nodes that are in trouble. */
const tolerations: readonly Toleration[] = [
  { key: "node.kubernetes.io/not-ready", operator: "Exists", effect: "NoExecute" },
  { key: "node.kubernetes.io/unreachable", operator: "Exists", effect: "NoExecute" },
  { key: "node.kubernetes.io/disk-pressure", operator: "Exists", effect: "NoSchedule" },
  { key: "node.kubernetes.io/memory-pressure", operator: "Exists", effect: "NoSchedule" },
  { key: "node.kubernetes.io/pid-pressure", operator: "Exists", effect: "NoSchedule" },
  { key: "node.kubernetes.io/unschedulable", operator: "Exists", effect: "NoSchedule" },
];

export interface DaemonSight {
  readonly set: DaemonSet;
  readonly nodes: readonly Stored<Node>[];
  readonly pods: readonly Stored<Pod>[];
  /** Hash of the template as it is now. */
  readonly hash: string;
  readonly now: number;
}

export interface DaemonPlan {
  /** Names of nodes. */
  readonly create: readonly string[];
  readonly remove: readonly Stored<Pod>[];
}

/** The node that a pod is for: the one it is on, or the one its affinity names. */
export function nodeOf({ spec }: Pod): string | undefined {
  const terms = spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  return spec?.nodeName || terms?.[0]?.matchFields?.[0]?.values?.[0];
}

/** Whether a node may start a daemon, and whether one that runs there may stay. */
function verdictFor({ set }: DaemonSight, node: Node): { readonly mayStart: boolean; readonly mayStay: boolean } {
  const template: Pod = { spec: set.spec?.template.spec ?? { containers: [] } };
  const covers = [...(template.spec?.tolerations ?? []), ...tolerations];
  const untolerated = (node.spec?.taints ?? []).filter((taint) => !covers.some((each) => tolerates(each, taint)));
  const isMeant = matchesNodeAffinity(template, node);
  return {
    mayStart: isMeant && !untolerated.some(({ effect }) => effect !== "PreferNoSchedule"),
    mayStay: isMeant && !untolerated.some(({ effect }) => effect === "NoExecute"),
  };
}

const isCurrent = (pod: Pod, hash: string) => pod.metadata?.labels?.[hashLabel] === hash;

/** Outdated pods that may go: at most maxUnavailable nodes without a daemon at a time. */
function outdated(sight: DaemonSight, wanted: number): Stored<Pod>[] {
  const { type = "RollingUpdate", rollingUpdate } = sight.set.spec?.updateStrategy ?? {};
  if (type !== "RollingUpdate") return [];
  const minReadySeconds = sight.set.spec?.minReadySeconds ?? 0;
  const serving = sight.pods.filter((pod) => !isDeleting(pod) && isAvailable(pod, minReadySeconds, sight.now));
  const unavailable = wanted - new Set(serving.map(nodeOf)).size;
  const budget = Math.max(0, scaledValue(rollingUpdate?.maxUnavailable ?? 1, wanted, "up") - unavailable);
  const old = sight.pods.filter((pod) => !isDeleting(pod) && !isCurrent(pod, sight.hash));
  const idle = old.filter((pod) => !serving.includes(pod));
  return [...idle, ...old.filter((pod) => serving.includes(pod)).slice(0, budget)];
}

export function planDaemonSet(sight: DaemonSight): DaemonPlan {
  const create: string[] = [];
  const remove = new Set<Stored<Pod>>(sight.pods.filter((pod) => isTerminated(pod) && !isDeleting(pod)));
  const names = new Set(sight.nodes.map(({ metadata }) => metadata.name));
  for (const pod of sight.pods) if (!names.has(nodeOf(pod) ?? "") && !isDeleting(pod)) remove.add(pod);
  for (const node of sight.nodes) {
    const here = sight.pods.filter((pod) => nodeOf(pod) === node.metadata.name);
    const { mayStart, mayStay } = verdictFor(sight, node);
    if (mayStart && here.length === 0) create.push(node.metadata.name);
    const surplus = mayStay ? here.filter((pod) => !isDeleting(pod)).slice(1) : here.filter((pod) => !isDeleting(pod));
    for (const pod of surplus) remove.add(pod);
  }
  for (const pod of outdated(sight, desiredNodes(sight))) remove.add(pod);
  return { create, remove: [...remove] };
}

const desiredNodes = (sight: DaemonSight) => sight.nodes.filter((node) => verdictFor(sight, node).mayStart).length;

export function daemonSetStatus(sight: DaemonSight): DaemonSetStatus {
  const { set, nodes, hash, now } = sight;
  const meant = new Set(nodes.filter((node) => verdictFor(sight, node).mayStart).map(({ metadata }) => metadata.name));
  const on = (test: (pod: Stored<Pod>) => boolean) =>
    new Set(
      sight.pods.filter((pod) => !isDeleting(pod) && pod.spec?.nodeName && test(pod)).map(({ spec }) => spec?.nodeName),
    );
  const count = (test: (pod: Stored<Pod>) => boolean) => [...on(test)].filter((name) => meant.has(name ?? "")).length;
  const numberAvailable = count((pod) => isAvailable(pod, set.spec?.minReadySeconds ?? 0, now));
  return {
    desiredNumberScheduled: meant.size,
    currentNumberScheduled: count(() => true),
    numberMisscheduled: [...on(() => true)].filter((name) => !meant.has(name ?? "")).length,
    numberReady: count(isReady),
    updatedNumberScheduled: count((pod) => isCurrent(pod, hash)),
    ...(numberAvailable > 0 && { numberAvailable }),
    ...(meant.size > numberAvailable && { numberUnavailable: meant.size - numberAvailable }),
    observedGeneration: set.metadata?.generation,
  };
}

/** A daemon for one node. The scheduler binds it there, whatever else it thinks. */
export function daemonPod(set: Stored<DaemonSet>, template: PodTemplateSpec, node: string, hash: string): Pod {
  const pod = podFromTemplate(set, template, { generateName: `${set.metadata.name}-` });
  const { metadata, spec } = pod;
  metadata.labels = {
    ...metadata.labels,
    [hashLabel]: hash,
    "pod-template-generation": String(set.metadata.generation),
  };
  spec.tolerations = [...(spec.tolerations ?? []), ...tolerations];
  const nodeSelectorTerms = [{ matchFields: [{ key: "metadata.name", operator: "In", values: [node] }] }];
  spec.affinity = {
    ...spec.affinity,
    nodeAffinity: {
      ...spec.affinity?.nodeAffinity,
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms },
    },
  };
  return pod;
}
