/**
 * From NetworkPolicy objects to what pods have to enforce (https://kubernetes.io/docs/concepts/services-networking/network-policies/). Pure.
 * Each policy is compiled once, not once for each pod it selects: its work is policies x pods, whatever the number of pairs of pods.
 */
import type { Namespace, Pod } from "kubernetes-types/core/v1.js";
import type { NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from "kubernetes-types/networking/v1.js";
import { type Labels, matchesSelector, selectorOf } from "../../machinery/selectors.ts";
import {
  type Direction,
  matchesPeer,
  type PodPolicy,
  type PolicyRule,
  type PolicyTable,
  type PortRange,
} from "./decide.ts";

/** A pod as policies see it. */
export interface PolicyPod {
  readonly namespace: string;
  readonly address: string;
  readonly labels: Labels;
  readonly ports: readonly NamedPort[];
}

interface NamedPort {
  readonly name?: string;
  readonly containerPort: number;
  readonly protocol?: string;
}

export interface PolicyInputs {
  readonly policies: readonly NetworkPolicy[];
  readonly pods: readonly PolicyPod[];
  readonly namespaces: readonly Namespace[];
}

/** `address` where the pod's status does not say it yet. Undefined without an address, and for pods that have ended: another may have it. */
export function policyPod({ metadata, spec, status }: Pod, address = status?.podIP): PolicyPod | undefined {
  if (!address || status?.phase === "Succeeded" || status?.phase === "Failed") return undefined;
  const ports = (spec?.containers ?? []).flatMap((container) => container.ports ?? []);
  return { namespace: metadata?.namespace ?? "", address, labels: metadata?.labels ?? {}, ports };
}

export function compilePolicies({ policies, pods, namespaces }: PolicyInputs): Pick<PolicyTable, "rules" | "pods"> {
  const rules: PolicyRule[] = [];
  const compiled: Record<string, { -readonly [D in Direction]?: number[] }> = {};
  const scope = { pods, labels: new Map(namespaces.map(({ metadata }) => [metadata?.name, metadata?.labels ?? {}])) };
  for (const policy of policies)
    for (const direction of directionsOf(policy)) {
      const selected = select(policy, pods);
      const shared = new Map<PolicyRule, number>();
      const indexOf = (rule: PolicyRule): number => {
        const index = shared.get(rule) ?? rules.push(rule) - 1;
        shared.set(rule, index);
        return index;
      };
      const rulesFor = direction === "ingress" ? ingressRules(policy, scope) : egressRules(policy, scope);
      for (const pod of selected) {
        compiled[pod.address] ??= {};
        const own = compiled[pod.address] as { [D in Direction]?: number[] };
        own[direction] = [...(own[direction] ?? []), ...rulesFor(pod).map(indexOf)];
      }
    }
  return { rules, pods: compiled satisfies Record<string, PodPolicy> };
}

/** Without policyTypes: ingress always, egress where there are egress rules. */
function directionsOf({ spec }: NetworkPolicy): Direction[] {
  const types = spec?.policyTypes ?? (spec?.egress?.length ? ["Ingress", "Egress"] : ["Ingress"]);
  return (["ingress", "egress"] as const).filter((direction) => types.some((type) => type.toLowerCase() === direction));
}

function select({ metadata, spec }: NetworkPolicy, pods: readonly PolicyPod[]): PolicyPod[] {
  const selector = selectorOf(spec?.podSelector ?? {});
  return pods.filter(({ namespace, labels }) => namespace === metadata?.namespace && matchesSelector(selector, labels));
}

interface Scope {
  readonly pods: readonly PolicyPod[];
  /** Of namespaces, by name. */
  readonly labels: ReadonlyMap<string | undefined, Labels>;
}

/** The rules for one selected pod; the same objects for all pods, but for those with named ports, which are the pod's own. */
type RulesFor = (pod: PolicyPod) => readonly PolicyRule[];

function ingressRules({ metadata, spec }: NetworkPolicy, scope: Scope): RulesFor {
  const rules = (spec?.ingress ?? []).map(({ from, ports }): RulesFor => {
    const peers = peersOf(from, metadata?.namespace ?? "", scope);
    if (!ports?.length) return () => [peers];
    if (ports.some(isNamed)) return (pod) => [{ ...peers, ports: ports.flatMap((port) => rangesOf(port, pod.ports)) }];
    const rule = { ...peers, ports: ports.flatMap((port) => rangesOf(port, [])) };
    return () => [rule];
  });
  return (pod) => rules.flatMap((rule) => rule(pod));
}

function egressRules({ metadata, spec }: NetworkPolicy, scope: Scope): RulesFor {
  const rules = (spec?.egress ?? []).flatMap(({ to, ports }): PolicyRule[] => {
    const peers = peersOf(to, metadata?.namespace ?? "", scope);
    if (!ports?.length) return [peers];
    const numbered = ports.filter((port) => !isNamed(port)).flatMap((port) => rangesOf(port, []));
    return [
      ...(numbered.length > 0 ? [{ ...peers, ports: numbered }] : []),
      ...namedPorts(peers, ports.filter(isNamed), scope.pods),
    ];
  });
  return () => rules;
}

/** A named port is each destination's own. */
const namedPorts = (peers: PolicyRule, named: readonly NetworkPolicyPort[], pods: readonly PolicyPod[]): PolicyRule[] =>
  (named.length === 0 ? [] : pods)
    .filter(({ address }) => matchesPeer(peers, address))
    .map(({ address, ports }) => ({ addresses: [address], ports: named.flatMap((port) => rangesOf(port, ports)) }))
    .filter(({ ports }) => ports.length > 0);

const isNamed = ({ port }: NetworkPolicyPort): boolean => typeof port === "string";

function rangesOf({ port, endPort, protocol = "TCP" }: NetworkPolicyPort, named: readonly NamedPort[]): PortRange[] {
  if (port === undefined) return [{ protocol, from: 0, to: 65_535 }];
  if (typeof port === "number") return [{ protocol, from: port, to: endPort ?? port }];
  return named
    .filter(({ name, protocol: own = "TCP" }) => name === port && own === protocol)
    .map(({ containerPort }) => ({ protocol, from: containerPort, to: containerPort }));
}

/** An absent or empty list of peers means everybody. */
function peersOf(
  peers: readonly NetworkPolicyPeer[] | undefined,
  namespace: string,
  { pods, labels }: Scope,
): PolicyRule {
  if (!peers?.length) return {};
  const blocks = peers.flatMap(({ ipBlock }) =>
    ipBlock ? [{ cidr: ipBlock.cidr, except: ipBlock.except ?? [] }] : [],
  );
  const selects = peers.filter(({ ipBlock }) => !ipBlock).map((peer) => selectorOfPeer(peer, namespace, labels));
  const addresses = pods.filter((pod) => selects.some((select) => select(pod))).map(({ address }) => address);
  return { addresses, blocks };
}

/** A pod selector alone stays in the policy's own namespace. */
function selectorOfPeer(
  { podSelector, namespaceSelector }: NetworkPolicyPeer,
  own: string,
  labels: Scope["labels"],
): (pod: PolicyPod) => boolean {
  const podLabels = selectorOf(podSelector ?? {});
  const namespaceLabels = namespaceSelector && selectorOf(namespaceSelector);
  return (pod) =>
    (namespaceLabels ? matchesSelector(namespaceLabels, labels.get(pod.namespace)) : pod.namespace === own) &&
    matchesSelector(podLabels, pod.labels);
}
