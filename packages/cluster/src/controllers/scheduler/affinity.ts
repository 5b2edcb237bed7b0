import type { Node, NodeSelectorTerm, Pod, PodAffinityTerm } from "kubernetes-types/core/v1.js";
import { hasLabels, type Labels, selects } from "../harness/selectors.ts";
import type { NodeView } from "./view.ts";

type NodeTest = (value: string | undefined, values: readonly string[]) => boolean;

const nodeTests: Readonly<Record<string, NodeTest>> = {
  In: (value, values) => value !== undefined && values.includes(value),
  NotIn: (value, values) => value === undefined || !values.includes(value),
  Exists: (value) => value !== undefined,
  DoesNotExist: (value) => value === undefined,
  Gt: (value, [bound]) => value !== undefined && Number(value) > Number(bound),
  Lt: (value, [bound]) => value !== undefined && Number(value) < Number(bound),
};

type NodeRequirements = NonNullable<NodeSelectorTerm["matchExpressions"]>;

const meets = (requirements: NodeRequirements, labels: Labels) =>
  requirements.every(({ key, operator, values = [] }) => nodeTests[operator]?.(labels[key], values) ?? false);

/** All expressions of a term must hold; a term without any selects nothing. */
export function matchesNodeTerm({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm, node: Node): boolean {
  if (matchExpressions.length + matchFields.length === 0) return false;
  const fields = { "metadata.name": node.metadata?.name ?? "" };
  return meets(matchExpressions, node.metadata?.labels ?? {}) && meets(matchFields, fields);
}

/** nodeSelector and required node affinity. */
export function matchesNodeAffinity({ spec }: Pod, node: Node): boolean {
  const terms = spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  const isSelected = hasLabels(spec?.nodeSelector ?? {}, node.metadata?.labels);
  return isSelected && (terms?.some((term) => matchesNodeTerm(term, node)) ?? true);
}

/** Whether `other` is one of the pods that a term of `pod` speaks of. */
function isMeant(term: PodAffinityTerm, pod: Pod, other: Pod): boolean {
  const otherNamespace = other.metadata?.namespace ?? "";
  // A namespaceSelector selects by labels of namespaces; the empty one, by far the usual, means all.
  const isInNamespace =
    term.namespaces?.includes(otherNamespace) ||
    term.namespaceSelector !== undefined ||
    (!term.namespaces?.length && otherNamespace === pod.metadata?.namespace);
  return isInNamespace && selects(term.labelSelector, other.metadata?.labels);
}

const domainOf = ({ node }: NodeView, key: string) => node.metadata?.labels?.[key];

/** The pods in the same domain (host, zone) as the node. */
function podsInDomain(nodes: readonly NodeView[], place: NodeView, topologyKey: string): readonly Pod[] {
  const domain = domainOf(place, topologyKey);
  if (domain === undefined) return [];
  return nodes.filter((other) => domainOf(other, topologyKey) === domain).flatMap(({ pods }) => pods);
}

/** How many pods that the term speaks of are in the node's domain. */
export const countInDomain = (term: PodAffinityTerm, pod: Pod, nodes: readonly NodeView[], place: NodeView) =>
  podsInDomain(nodes, place, term.topologyKey).filter((other) => isMeant(term, pod, other)).length;

const requiredAntiAffinity = ({ spec }: Pod): readonly PodAffinityTerm[] =>
  spec?.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];

export const breaksAntiAffinity = (pod: Pod, nodes: readonly NodeView[], place: NodeView) =>
  requiredAntiAffinity(pod).some((term) => countInDomain(term, pod, nodes, place) > 0);

/** Anti-affinity is mutual: a running pod may not want the new one beside it. */
export const breaksOthersAntiAffinity = (pod: Pod, nodes: readonly NodeView[], place: NodeView) =>
  nodes.some((other) =>
    other.pods.some((running) =>
      requiredAntiAffinity(running).some((term) => {
        const domain = domainOf(other, term.topologyKey);
        return domain !== undefined && domain === domainOf(place, term.topologyKey) && isMeant(term, running, pod);
      }),
    ),
  );

/** Every required term needs company in the domain; the first of a group, which is meant by its own term, needs none. */
export function breaksAffinity(pod: Pod, nodes: readonly NodeView[], place: NodeView): boolean {
  const terms = pod.spec?.affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  return terms.some((term) => {
    if (domainOf(place, term.topologyKey) === undefined) return true;
    if (countInDomain(term, pod, nodes, place) > 0) return false;
    const isFirst =
      isMeant(term, pod, pod) && !nodes.some(({ pods }) => pods.some((other) => isMeant(term, pod, other)));
    return !isFirst;
  });
}
