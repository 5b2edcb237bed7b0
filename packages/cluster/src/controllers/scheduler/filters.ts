/** What keeps a pod off a node, in the order and the words of Kubernetes' scheduler plugins. */
import type { Container, Pod, Taint, Toleration } from "kubernetes-types/core/v1.js";
import {
  breaksAffinity,
  breaksAntiAffinity,
  breaksOthersAntiAffinity,
  matchesNodeAffinity,
  matchesNodeTerm,
} from "./affinity.ts";
import { breaksSpread } from "./spread.ts";
import { allocatableOf, type ClusterView, type NodeView, podRequests, usedOn } from "./view.ts";

export interface Objection {
  readonly reasons: readonly string[];
  /** Whether removing other pods from the node could help: preemption speaks differently of the two. */
  readonly isResolvable: boolean;
}

type Filter = (pod: Pod, place: NodeView, cluster: ClusterView) => Objection | undefined;

const objectIf =
  (test: (pod: Pod, place: NodeView, cluster: ClusterView) => boolean, reason: string, isResolvable = false): Filter =>
  (...args) =>
    test(...args) ? { reasons: [reason], isResolvable } : undefined;

/** Whether a toleration covers a taint. */
export const tolerates = ({ key, operator = "Equal", value = "", effect }: Toleration, taint: Taint) =>
  (!effect || effect === taint.effect) &&
  (key ? key === taint.key : operator === "Exists") &&
  (operator === "Exists" || value === (taint.value ?? ""));

const cordonTaint: Taint = { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" };

const isTolerated = ({ spec }: Pod, taint: Taint) =>
  (spec?.tolerations ?? []).some((toleration) => tolerates(toleration, taint));

const hasUntoleratedTaint = (pod: Pod, { node }: NodeView) =>
  (node.spec?.taints ?? []).some((taint) => taint.effect !== "PreferNoSchedule" && !isTolerated(pod, taint));

const hostPorts = ({ spec }: Pod) =>
  (spec?.containers ?? [])
    .flatMap(({ ports = [] }: Container) => ports)
    .filter(({ hostPort }) => hostPort)
    .map(({ hostPort, protocol = "TCP", hostIP = "" }) => `${protocol} ${hostIP} ${hostPort}`);

function hasTakenPort(pod: Pod, { pods }: NodeView): boolean {
  const wanted = new Set(hostPorts(pod));
  return wanted.size > 0 && pods.some((other) => hostPorts(other).some((port) => wanted.has(port)));
}

const fits: Filter = (pod, place) => {
  const wanted = podRequests(pod);
  const used = usedOn(place);
  const offered = allocatableOf(place.node);
  const reasons = [
    place.pods.length + 1 > offered.pods && "Too many pods",
    wanted.cpu > 0 && used.cpu + wanted.cpu > offered.cpu && "Insufficient cpu",
    wanted.memory > 0 && used.memory + wanted.memory > offered.memory && "Insufficient memory",
  ].filter((reason) => reason !== false);
  const isResolvable = wanted.cpu <= offered.cpu && wanted.memory <= offered.memory;
  return reasons.length > 0 ? { reasons, isResolvable } : undefined;
};

/** A bound volume may be reachable from some nodes only. */
const isAwayFromVolume = (_: Pod, { node }: NodeView, { claims }: ClusterView) =>
  claims.some(({ volume }) => {
    const terms = volume?.spec?.nodeAffinity?.required?.nodeSelectorTerms;
    return terms !== undefined && !terms.some((term) => matchesNodeTerm(term, node));
  });

/** The first that objects speaks for the node. */
export const filters: readonly Filter[] = [
  objectIf(
    (pod, { node }) => node.spec?.unschedulable === true && !isTolerated(pod, cordonTaint),
    "node(s) were unschedulable",
  ),
  objectIf(hasUntoleratedTaint, "node(s) had untolerated taint(s)"),
  objectIf((pod, { node }) => !matchesNodeAffinity(pod, node), "node(s) didn't match Pod's node affinity/selector"),
  objectIf(hasTakenPort, "node(s) didn't have free ports for the requested pod ports", true),
  fits,
  objectIf(
    ({ spec }) => ((spec as { resourceClaims?: readonly unknown[] } | undefined)?.resourceClaims?.length ?? 0) > 0,
    "cannot allocate all claims",
  ),
  objectIf(isAwayFromVolume, "node(s) didn't match PersistentVolume's node affinity"),
  objectIf(
    (pod, place, { nodes }) => breaksSpread(pod, nodes, place),
    "node(s) didn't match pod topology spread constraints",
    true,
  ),
  objectIf((pod, place, { nodes }) => breaksAffinity(pod, nodes, place), "node(s) didn't match pod affinity rules"),
  objectIf(
    (pod, place, { nodes }) => breaksAntiAffinity(pod, nodes, place),
    "node(s) didn't match pod anti-affinity rules",
    true,
  ),
  objectIf(
    (pod, place, { nodes }) => breaksOthersAntiAffinity(pod, nodes, place),
    "node(s) didn't satisfy existing pods anti-affinity rules",
    true,
  ),
];
