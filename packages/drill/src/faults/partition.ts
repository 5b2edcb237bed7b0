/**
 * Cuts the leader off by ordinary NetworkPolicies. Policies only ever permit, and a pod may do what any of those that select it permits: so the
 * ones that select the pod are told to leave it out, and one is added that permits it nothing. What comes from the node itself
 * (probes, port-forward) passes on every cluster, so clients of a forwarded port go on talking to the isolated leader: the harder case.
 * Some network plug-ins leave connections alone that are open already; with those the leader keeps its followers, and nothing fails over.
 */
import { isKubeError, resource } from "@coracle/kube";
import type { Pod } from "kubernetes-types/core/v1.js";
import type { LabelSelector } from "kubernetes-types/meta/v1.js";
import type { NetworkPolicy } from "kubernetes-types/networking/v1.js";
import type { Ground } from "../site.ts";
import type { Fault } from "./types.ts";

const policies = resource<NetworkPolicy>("networking.k8s.io/v1", "networkpolicies");
const ISOLATION = "coracle-drill-isolation";
/** The StatefulSet controller puts it on every pod. */
const POD_NAME = "statefulset.kubernetes.io/pod-name";

export const partition: Fault = {
  endsTerm: true,
  summary: "the leader cut off from members and API by NetworkPolicy until another leads, then healed",
  async inject({ ground, leader, pod }) {
    const { namespace, kube } = ground;
    const affected = (await kube.list(policies, { namespace })).items.filter(({ spec }) =>
      selects(spec?.podSelector ?? {}, pod),
    );
    const heal = () => restore(ground, affected);
    try {
      for (const policy of affected)
        await setSelector(ground, policy, without(policy.spec?.podSelector ?? {}, leader.name));
      await kube.create(policies, isolationOf(leader.name), { namespace });
    } catch (error) {
      await heal();
      throw error;
    }
    return { how: `${leader.name} isolated by NetworkPolicy`, heal };
  },
};

const isolationOf = (pod: string): NetworkPolicy => ({
  apiVersion: "networking.k8s.io/v1",
  kind: "NetworkPolicy",
  metadata: { name: ISOLATION },
  spec: { podSelector: { matchLabels: { [POD_NAME]: pod } }, policyTypes: ["Ingress", "Egress"] },
});

async function restore(ground: Ground, affected: readonly NetworkPolicy[]): Promise<void> {
  for (const policy of affected) await setSelector(ground, policy, policy.spec?.podSelector ?? {});
  await ground.kube.delete(policies, ISOLATION, { namespace: ground.namespace }).catch((error: unknown) => {
    if (!isKubeError(error, "not-found")) throw error;
  });
}

function setSelector({ kube, namespace }: Ground, policy: NetworkPolicy, selector: LabelSelector): Promise<unknown> {
  // A merge patch leaves out what it does not name; null takes the expressions away again.
  const podSelector = { matchExpressions: null, ...selector };
  return kube.patch(policies, policy.metadata?.name ?? "", { spec: { podSelector } }, { namespace });
}

const without = (selector: LabelSelector, pod: string): LabelSelector => ({
  ...selector,
  matchExpressions: [...(selector.matchExpressions ?? []), { key: POD_NAME, operator: "NotIn", values: [pod] }],
});

/** Kubernetes' rule for label selectors. */
export function selects({ matchLabels = {}, matchExpressions = [] }: LabelSelector, { metadata }: Pod): boolean {
  const labels = metadata?.labels ?? {};
  const isEqual = Object.entries(matchLabels).every(([key, value]) => labels[key] === value);
  return isEqual && matchExpressions.every((expression) => holds(expression, labels));
}

type Expression = NonNullable<LabelSelector["matchExpressions"]>[number];

function holds({ key, operator, values = [] }: Expression, labels: Readonly<Record<string, string>>): boolean {
  const value = labels[key];
  if (operator === "In") return value !== undefined && values.includes(value);
  if (operator === "NotIn") return value === undefined || !values.includes(value);
  return (operator === "Exists") === (value !== undefined);
}
