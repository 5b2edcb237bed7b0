/** From NetworkPolicy objects to what each pod has to enforce (https://kubernetes.io/docs/concepts/services-networking/network-policies/). Pure. */
import type { Namespace, Pod } from "kubernetes-types/core/v1.js";
import type { NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from "kubernetes-types/networking/v1.js";
import { type Labels, matchesSelector, selectorOf } from "../../machinery/selectors.ts";
import { type Direction, matchesPeer, type PodPolicy, type PolicyRule, type PortRange, portsOf } from "./decide.ts";

export interface PolicyInputs {
  readonly policies: readonly NetworkPolicy[];
  readonly pods: readonly Pod[];
  readonly namespaces: readonly Namespace[];
}

/** The rules of `pod` in both directions, and what its isolated peers open to it. Without any policy: `{}`. */
export function compilePolicy(pod: Pod, inputs: PolicyInputs): PodPolicy {
  const ingress = rulesFor(pod, "ingress", inputs);
  const egress = rulesFor(pod, "egress", inputs);
  const isolatedPeers = peersClosedTo(pod, inputs);
  return {
    ...(ingress && { ingress }),
    ...(egress && { egress }),
    ...(Object.keys(isolatedPeers).length > 0 && { isolatedPeers }),
  };
}

/** The union of all policies that select the pod; undefined when none does. */
function rulesFor(pod: Pod, direction: Direction, inputs: PolicyInputs): PolicyRule[] | undefined {
  const policies = inputs.policies.filter((policy) => isolates(policy, pod, direction));
  if (policies.length === 0) return undefined;
  return policies.flatMap((policy) => rulesOf(policy, direction, pod, inputs));
}

function isolates({ metadata, spec }: NetworkPolicy, pod: Pod, direction: Direction): boolean {
  if (metadata?.namespace !== pod.metadata?.namespace) return false;
  // Without policyTypes: ingress always, egress where there are egress rules.
  const types = spec?.policyTypes ?? (spec?.egress ? ["Ingress", "Egress"] : ["Ingress"]);
  const isOfType = types.some((type) => type.toLowerCase() === direction);
  return isOfType && matchesSelector(selectorOf(spec?.podSelector ?? {}), pod.metadata?.labels);
}

function rulesOf(policy: NetworkPolicy, direction: Direction, pod: Pod, inputs: PolicyInputs): PolicyRule[] {
  const namespace = policy.metadata?.namespace ?? "";
  if (direction === "ingress")
    return (policy.spec?.ingress ?? []).map(({ from, ports }) => ({
      ...peersOf(from, namespace, inputs),
      ...(ports?.length && { ports: ports.flatMap((port) => rangesOf(port, pod)) }),
    }));
  return (policy.spec?.egress ?? []).flatMap(({ to, ports }) => {
    const peers = peersOf(to, namespace, inputs);
    if (!ports?.length) return [peers];
    const byNumber = ports.filter(({ port }) => typeof port !== "string");
    const byName = ports.filter(({ port }) => typeof port === "string");
    const numbered = byNumber.length > 0 ? [{ ...peers, ports: byNumber.flatMap((port) => rangesOf(port, pod)) }] : [];
    return [...numbered, ...(byName.length > 0 ? namedPorts(peers, byName, inputs.pods) : [])];
  });
}

/** A named port is each destination's own. */
const namedPorts = (peers: PolicyRule, ports: readonly NetworkPolicyPort[], pods: readonly Pod[]): PolicyRule[] =>
  pods
    .filter((pod) => pod.status?.podIP && matchesPeer(peers, pod.status.podIP))
    .map((pod) => ({ addresses: [pod.status?.podIP ?? ""], ports: ports.flatMap((port) => rangesOf(port, pod)) }));

function rangesOf({ port, endPort, protocol = "TCP" }: NetworkPolicyPort, target: Pod): PortRange[] {
  if (port === undefined) return [{ protocol, from: 0, to: 65_535 }];
  if (typeof port === "number") return [{ protocol, from: port, to: endPort ?? port }];
  return (target.spec?.containers ?? [])
    .flatMap((container) => container.ports ?? [])
    .filter(({ name, protocol: own = "TCP" }) => name === port && own === protocol)
    .map(({ containerPort }) => ({ protocol, from: containerPort, to: containerPort }));
}

/** An absent or empty list of peers means everybody. */
function peersOf(peers: readonly NetworkPolicyPeer[] | undefined, namespace: string, inputs: PolicyInputs): PolicyRule {
  if (!peers?.length) return {};
  const blocks = peers.flatMap(({ ipBlock }) =>
    ipBlock ? [{ cidr: ipBlock.cidr, except: ipBlock.except ?? [] }] : [],
  );
  const selecting = peers.filter(({ ipBlock }) => !ipBlock);
  const pods = inputs.pods.filter((pod) => selecting.some((peer) => selects(peer, pod, namespace, inputs.namespaces)));
  return { addresses: pods.flatMap(({ status }) => (status?.podIP ? [status.podIP] : [])), blocks };
}

function selects(peer: NetworkPolicyPeer, pod: Pod, own: string, namespaces: readonly Namespace[]): boolean {
  const { podSelector, namespaceSelector } = peer;
  const inNamespace = namespaceSelector
    ? matchesSelector(selectorOf(namespaceSelector), labelsOf(pod.metadata?.namespace, namespaces))
    : pod.metadata?.namespace === own;
  return inNamespace && matchesSelector(selectorOf(podSelector ?? {}), pod.metadata?.labels);
}

const labelsOf = (name: string | undefined, namespaces: readonly Namespace[]): Labels | undefined =>
  namespaces.find(({ metadata }) => metadata?.name === name)?.metadata?.labels;

function peersClosedTo(pod: Pod, inputs: PolicyInputs): Record<string, readonly PortRange[]> {
  const own = pod.status?.podIP;
  const entries = inputs.pods.flatMap((peer): [string, PortRange[]][] => {
    const address = peer.status?.podIP;
    const rules = address && address !== own ? rulesFor(peer, "ingress", inputs) : undefined;
    if (!address || !rules) return [];
    return [[address, rules.filter((rule) => matchesPeer(rule, own ?? "")).flatMap(portsOf)]];
  });
  return Object.fromEntries(entries);
}
