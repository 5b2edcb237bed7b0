import type { Pod } from "kubernetes-types/core/v1.js";
import { controllerOf } from "../harness/owners.ts";
import { countInDomain, matchesNodeTerm } from "./affinity.ts";
import { filters, type Objection } from "./filters.ts";
import type { ClaimView, ClusterView, NodeView } from "./view.ts";

export type Decision =
  | { readonly node: string }
  /** Why no node will do, in Kubernetes' words. */
  | { readonly message: string }
  /** A claim is being provisioned; the claim's change brings the pod back. */
  | { readonly waitsFor: string };

/** Chooses a node for the pod. */
export function decideNode(pod: Pod, cluster: ClusterView): Decision {
  const { nodes, claims } = cluster;
  if (nodes.length === 0) return { message: "no nodes available to schedule pods" };
  const obstacle = claims.map(claimObstacle).find((found) => found !== undefined);
  if (obstacle) return "waitsFor" in obstacle ? obstacle : { message: refusal(nodes.length, [obstacle.reason], 0) };
  const objections = new Map(nodes.map((place) => [place, objectionTo(pod, place, cluster)]));
  const feasible = nodes.filter((place) => objections.get(place) === undefined);
  const best = feasible.length > 0 ? bestOf(pod, feasible, nodes) : undefined;
  return best ? { node: best.node.metadata?.name ?? "" } : { message: describe([...objections.values()]) };
}

/** What a claim has against any node. */
function claimObstacle({ name, claim }: ClaimView): { reason: string } | { waitsFor: string } | undefined {
  if (!claim) return { reason: `persistentvolumeclaim ${JSON.stringify(name)} not found` };
  if (claim.metadata?.deletionTimestamp)
    return { reason: `persistentvolumeclaim ${JSON.stringify(name)} is being deleted` };
  if (claim.spec?.volumeName && claim.status?.phase === "Bound") return undefined;
  const isProvisioned = claim.spec?.storageClassName !== "" && !claim.spec?.volumeName;
  return isProvisioned ? { waitsFor: name } : { reason: "pod has unbound immediate PersistentVolumeClaims" };
}

function objectionTo(pod: Pod, place: NodeView, cluster: ClusterView): Objection | undefined {
  for (const filter of filters) {
    const objection = filter(pod, place, cluster);
    if (objection) return objection;
  }
  return undefined;
}

/** Preferred affinity first, then few siblings, then few pods at all, then the first by name. */
function bestOf(pod: Pod, feasible: readonly NodeView[], nodes: readonly NodeView[]): NodeView | undefined {
  const owner = controllerOf(pod)?.uid;
  const siblings = ({ pods }: NodeView) =>
    owner ? pods.filter((other) => controllerOf(other)?.uid === owner).length : 0;
  const ranked = feasible.map((place) => ({
    place,
    rank: [-preference(pod, place, nodes), siblings(place), place.pods.length],
  }));
  ranked.sort((a, b) => compare(a.rank, b.rank));
  return ranked[0]?.place;
}

function compare(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((value, i) => value !== b[i]);
  return at < 0 ? 0 : (a[at] as number) - (b[at] as number);
}

/** The weights of the preferences that the node meets. */
function preference(pod: Pod, place: NodeView, nodes: readonly NodeView[]): number {
  const { nodeAffinity, podAffinity, podAntiAffinity } = pod.spec?.affinity ?? {};
  let score = 0;
  for (const { weight, preference } of nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [])
    if (matchesNodeTerm(preference, place.node)) score += weight;
  for (const { weight, podAffinityTerm } of podAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [])
    score += weight * countInDomain(podAffinityTerm, pod, nodes, place);
  for (const { weight, podAffinityTerm } of podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [])
    score -= weight * countInDomain(podAffinityTerm, pod, nodes, place);
  return score;
}

/** The objections of all nodes, counted. */
function describe(objections: readonly (Objection | undefined)[]): string {
  const counts = new Map<string, number>();
  for (const reason of objections.flatMap((objection) => objection?.reasons ?? []))
    counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const resolvable = objections.filter((objection) => objection?.isResolvable).length;
  return refusal(objections.length, counted(counts), resolvable);
}

const counted = (counts: ReadonlyMap<string, number>) =>
  [...counts]
    .filter(([, count]) => count > 0)
    .map(([reason, count]) => `${count} ${reason}`)
    .sort();

/** No pod is ever preempted here, but kubectl's users know the whole sentence. */
function refusal(nodes: number, reasons: readonly string[], resolvable: number): string {
  const preemption = counted(
    new Map([
      ["No preemption victims found for incoming pod", resolvable],
      ["Preemption is not helpful for scheduling", nodes - resolvable],
    ]),
  );
  const none = `0/${nodes} nodes are available`;
  return `${none}: ${reasons.join(", ")}. no new claims to deallocate, preemption: ${none}: ${preemption.join(", ")}.`;
}
