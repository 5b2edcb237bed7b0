/**
 * A partition is an ordinary NetworkPolicy, so that what is rehearsed here is what a real cluster's network would do. NetworkPolicy
 * only permits: to cut pods off from some others, everything but the others' addresses is permitted.
 */
import type { Pod } from "kubernetes-types/core/v1.js";
import type { LabelSelector } from "kubernetes-types/meta/v1.js";
import type { NetworkPolicy, NetworkPolicyPeer } from "kubernetes-types/networking/v1.js";
import { parseSelector } from "../../machinery/selectors.ts";
import type { Registry, Stored } from "../../machinery/types.ts";
import { FaultError } from "../errors.ts";
import { isAimedAtPods, labelOf, namespaceOf, type PodTarget, podFilter, podsOf } from "../targets.ts";
import { type FaultWorld, faultApiVersion, type Injected, type Named } from "../types.ts";

export interface PartitionTarget extends PodTarget {
  readonly direction?: "both" | "in" | "out" | undefined;
  readonly from?: readonly string[] | undefined;
  readonly fromSelector?: string | undefined;
  readonly keepApi?: boolean | undefined;
}

const policies = "networkpolicies.networking.k8s.io";
const nameLabel = "statefulset.kubernetes.io/pod-name";

/** Rejects with FaultError when there are no such pods. */
export async function partition(target: PartitionTarget, world: FaultWorld, fault: Named): Promise<Injected> {
  const { store } = world;
  const pods = podsOf(store, target);
  if (pods.length === 0) throw new FaultError("no-target", "There are no such pods. See: kubectl get pods -A");
  const marked = await podSelector(target, pods, store, fault);
  const others: PodTarget = { namespace: target.namespace, pods: target.from, selector: target.fromSelector };
  const name = `fault-${fault.name}`;
  const write = () =>
    writePolicy(store, policyOf(name, target, marked.selector, peersBut(others, target, world), fault));
  await write();
  const unfollow = follow(store, others, write);
  return {
    affected: pods.map(labelOf),
    async undo() {
      unfollow();
      await store.delete(policies, namespaceOf(target), name).catch(() => undefined);
      await marked.unmark();
    },
  };
}

interface Marked {
  readonly selector: LabelSelector;
  unmark(): Promise<void>;
}

/** NetworkPolicy selects by labels. Pods that no label tells from their siblings are given one for the time. */
async function podSelector(
  { selector }: PartitionTarget,
  pods: readonly Stored<Pod>[],
  store: Registry,
  { name }: Named,
): Promise<Marked> {
  const unmark = async () => {};
  if (selector !== undefined) {
    const matchExpressions = parseSelector(selector).map((each) => ({ ...each, values: [...each.values] }));
    return { selector: { matchExpressions }, unmark };
  }
  const names = pods.map(({ metadata }) => metadata.labels?.[nameLabel]);
  if (names.every((each) => each !== undefined))
    return { selector: { matchExpressions: [{ key: nameLabel, operator: "In", values: names }] }, unmark };
  const label = `partition.faults.coracle.dev/${name}`;
  await Promise.all(pods.map((pod) => setLabel(store, pod, label, "true")));
  return {
    selector: { matchLabels: { [label]: "true" } },
    unmark: async () => void (await Promise.all(pods.map((pod) => setLabel(store, pod, label, undefined)))),
  };
}

async function setLabel(store: Registry, pod: Stored<Pod>, label: string, value: string | undefined): Promise<void> {
  await store.modify("pods", pod.metadata.namespace ?? "", pod.metadata.name, (draft) => {
    const { [label]: _, ...labels } = draft.metadata?.labels ?? {};
    draft.metadata = { ...draft.metadata, labels: value === undefined ? labels : { ...labels, [label]: value } };
  });
}

const everything = "0.0.0.0/0";

/** Whom the pods may still talk to. */
function peersBut(others: PodTarget, { keepApi }: PartitionTarget, { store, plan }: FaultWorld): NetworkPolicyPeer[] {
  if (isAimedAtPods(others)) {
    const except = podsOf(store, others).flatMap(({ status }) => (status?.podIP ? [`${status.podIP}/32`] : []));
    return [{ ipBlock: { cidr: everything, except } }];
  }
  return keepApi ? [plan.apiServer, plan.dns].map((address) => ({ ipBlock: { cidr: `${address}/32` } })) : [];
}

function policyOf(
  name: string,
  { namespace, direction = "both" }: PartitionTarget,
  podSelector: LabelSelector,
  peers: NetworkPolicyPeer[],
  fault: Named,
): NetworkPolicy {
  const isIn = direction !== "out";
  const isOut = direction !== "in";
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: {
      name,
      namespace: namespaceOf({ namespace }),
      ownerReferences: [{ apiVersion: faultApiVersion, kind: "Fault", name: fault.name, uid: fault.uid }],
    },
    spec: {
      podSelector,
      policyTypes: [...(isIn ? ["Ingress"] : []), ...(isOut ? ["Egress"] : [])],
      ...(isIn && { ingress: peers.length > 0 ? [{ from: peers }] : [] }),
      ...(isOut && { egress: peers.length > 0 ? [{ to: peers }] : [] }),
    },
  };
}

async function writePolicy(store: Registry, policy: NetworkPolicy): Promise<void> {
  const { name = "", namespace = "" } = policy.metadata ?? {};
  const spec = policy.spec as NonNullable<NetworkPolicy["spec"]>;
  if (store.get(policies, namespace, name) === undefined) await store.create(policies, policy);
  else await store.modify(policies, namespace, name, (draft) => void Object.assign(draft, { spec }));
}

/** Pods come back with other addresses: the policy follows those that it keeps out. */
function follow(store: Registry, others: PodTarget, write: () => Promise<void>): () => void {
  if (!isAimedAtPods(others)) return () => {};
  const isOther = podFilter(others);
  return store.subscribe("pods", ({ object, previous }) => {
    // Refused only when the policy is going away, and then there is nothing to follow.
    if (isOther(object) && object.status?.podIP !== previous?.status?.podIP) void write().catch(() => undefined);
  });
}
