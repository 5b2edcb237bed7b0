/**
 * Cuts members off by ordinary NetworkPolicies. Policies only ever permit, and a pod may do what any of those that select it permits: so the
 * ones that select the pods are told to leave them out, and one is added that says what is left to them. What comes from the node itself
 * (probes, port-forward) passes on every cluster, so clients of a forwarded port go on talking to the isolated leader: the harder case.
 * Some network plug-ins leave connections alone that are open already; with those the leader keeps its followers, and nothing fails over.
 */
import { isKubeError, resource } from "@coracle/kube";
import type { Pod } from "kubernetes-types/core/v1.js";
import type { LabelSelector } from "kubernetes-types/meta/v1.js";
import type { NetworkPolicy, NetworkPolicySpec } from "kubernetes-types/networking/v1.js";
import type { Ground } from "../site.ts";
import type { Fault, Strike } from "./types.ts";

const policies = resource<NetworkPolicy>("networking.k8s.io/v1", "networkpolicies");
const ISOLATION = "coracle-drill-isolation";
/** The StatefulSet controller puts it on every pod. */
const POD_NAME = "statefulset.kubernetes.io/pod-name";

/** A row: who is cut off, and what is left to them. */
interface Cut {
  readonly summary: string;
  /** Whether another must be elected; otherwise it stays for the hold time. */
  readonly endsTerm: boolean;
  readonly pods: (strike: Strike) => readonly string[];
  readonly left: (pods: readonly string[]) => Omit<NetworkPolicySpec, "podSelector">;
}

/** The leader and as many others as leave a majority on the other side: of three the leader alone, of five one more. */
function minority({ ground, leader }: Strike): readonly string[] {
  const others = ground.access
    .members()
    .map(({ name }) => name)
    .filter((name) => name !== leader.name);
  return [leader.name, ...others.slice(0, Math.max(0, Math.floor(others.length / 2) - 1))];
}

const named = (pods: readonly string[]): LabelSelector => ({
  matchExpressions: [{ key: POD_NAME, operator: "In", values: [...pods] }],
});

const CUTS = {
  partition: {
    endsTerm: true,
    summary: "the leader cut off from members and API by NetworkPolicy until another leads, then healed",
    pods: ({ leader }) => [leader.name],
    left: () => ({ policyTypes: ["Ingress", "Egress"] }),
  },
  minority: {
    endsTerm: true,
    summary: "the leader and others, less than half, cut off together from the rest, until another leads",
    pods: minority,
    left: (pods) => amongThemselves(pods),
  },
  // Policies are about who may connect: an open way out carries answers, so the leader may well stay.
  "one-way": {
    endsTerm: false,
    summary: "nobody can connect to the leader, while it connects to the others",
    pods: ({ leader }) => [leader.name],
    left: () => ({ policyTypes: ["Ingress"] }),
  },
} satisfies Readonly<Record<string, Cut>>;

const faultOf = ({ summary, endsTerm, pods, left }: Cut): Fault => ({
  endsTerm,
  summary,
  async inject(strike) {
    const cut = pods(strike);
    const heal = await cutOff(strike.ground, cut, [strike.pod], left(cut));
    return { how: `${cut.join(", ")} isolated by NetworkPolicy`, heal, ...(!endsTerm && { lasts: true as const }) };
  },
});

/** Leaves to the pods of these names what `left` says and nothing else; `like` are pods that the same policies select. Returns how to heal. */
export async function cutOff(
  site: Pick<Ground, "kube" | "namespace">,
  names: readonly string[],
  like: readonly Pod[],
  left: Omit<NetworkPolicySpec, "podSelector">,
): Promise<() => Promise<void>> {
  const { kube, namespace } = site;
  const all = (await kube.list(policies, { namespace })).items;
  const affected = all.filter(({ spec }) => like.some((pod) => selects(spec?.podSelector ?? {}, pod)));
  const heal = () => restore(site, affected);
  try {
    for (const policy of affected) await setSelector(site, policy, without(policy.spec?.podSelector ?? {}, names));
    await kube.create(policies, isolationOf({ podSelector: named(names), ...left }), { namespace });
  } catch (error) {
    await heal();
    throw error;
  }
  return heal;
}

/** What is left to members that are cut off together: one another, and names. */
export const amongThemselves = (names: readonly string[]): Omit<NetworkPolicySpec, "podSelector"> => ({
  policyTypes: ["Ingress", "Egress"],
  ingress: [{ from: [{ podSelector: named(names) }] }],
  egress: [{ to: [{ podSelector: named(names) }] }, { ports: [{ port: 53, protocol: "UDP" }] }],
});

export const partitionFaults = {
  partition: faultOf(CUTS.partition),
  minority: faultOf(CUTS.minority),
  "one-way": faultOf(CUTS["one-way"]),
};

const isolationOf = (spec: NetworkPolicySpec): NetworkPolicy => ({
  apiVersion: "networking.k8s.io/v1",
  kind: "NetworkPolicy",
  metadata: { name: ISOLATION },
  spec,
});

async function restore(ground: Pick<Ground, "kube" | "namespace">, affected: readonly NetworkPolicy[]): Promise<void> {
  for (const policy of affected) await setSelector(ground, policy, policy.spec?.podSelector ?? {});
  await ground.kube.delete(policies, ISOLATION, { namespace: ground.namespace }).catch((error: unknown) => {
    if (!isKubeError(error, "not-found")) throw error;
  });
}

function setSelector(
  { kube, namespace }: Pick<Ground, "kube" | "namespace">,
  policy: NetworkPolicy,
  selector: LabelSelector,
): Promise<unknown> {
  // A merge patch leaves out what it does not name; null takes the expressions away again.
  const podSelector = { matchExpressions: null, ...selector };
  return kube.patch(policies, policy.metadata?.name ?? "", { spec: { podSelector } }, { namespace });
}

const without = (selector: LabelSelector, pods: readonly string[]): LabelSelector => ({
  ...selector,
  matchExpressions: [...(selector.matchExpressions ?? []), { key: POD_NAME, operator: "NotIn", values: [...pods] }],
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
