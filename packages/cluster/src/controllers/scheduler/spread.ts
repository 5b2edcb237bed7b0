import type { Pod, TopologySpreadConstraint } from "kubernetes-types/core/v1.js";
import { selects } from "../harness/selectors.ts";
import { matchesNodeAffinity } from "./affinity.ts";
import type { NodeView } from "./view.ts";

/** Matching pods per domain, over the nodes where the pod could be. */
function countByDomain({ topologyKey, labelSelector }: TopologySpreadConstraint, pod: Pod, nodes: readonly NodeView[]) {
  const counts = new Map<string, number>();
  for (const { node, pods } of nodes) {
    const domain = node.metadata?.labels?.[topologyKey];
    if (domain === undefined || !matchesNodeAffinity(pod, node)) continue;
    const matching = pods.filter(
      ({ metadata }) => metadata?.namespace === pod.metadata?.namespace && selects(labelSelector, metadata?.labels),
    );
    counts.set(domain, (counts.get(domain) ?? 0) + matching.length);
  }
  return counts;
}

/** Whether the pod on this node would make its domain fuller than the emptiest one by more than maxSkew. */
export function breaksSpread(pod: Pod, nodes: readonly NodeView[], place: NodeView): boolean {
  return (pod.spec?.topologySpreadConstraints ?? []).some((constraint) => {
    if (constraint.whenUnsatisfiable !== "DoNotSchedule") return false;
    const domain = place.node.metadata?.labels?.[constraint.topologyKey];
    if (domain === undefined) return true;
    const counts = countByDomain(constraint, pod, nodes);
    const own = selects(constraint.labelSelector, pod.metadata?.labels) ? 1 : 0;
    return (counts.get(domain) ?? 0) + own - Math.min(...counts.values()) > constraint.maxSkew;
  });
}
