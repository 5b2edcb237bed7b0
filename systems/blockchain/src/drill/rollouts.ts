/** What an operator or an autoscaler does to the sets of nodes. */
import { isRolledOut, type ScenarioSite } from "@coracle/drill";
import { resource, resources } from "@coracle/kube";
import type { StatefulSet } from "kubernetes-types/apps/v1.js";
import type { HorizontalPodAutoscaler } from "kubernetes-types/autoscaling/v2.js";
import { agreement } from "./check.ts";
import { nodesOf } from "./nodes.ts";
import type { Act } from "./scenario.ts";

const scalers = resource<HorizontalPodAutoscaler>("autoscaling/v2", "horizontalpodautoscalers");

/** The sets that the nodes' pods belong to. */
async function setsOf(site: ScenarioSite): Promise<readonly StatefulSet[]> {
  const owners = (await nodesOf(site)).map(({ pod }) => pod.metadata?.ownerReferences?.[0]?.name);
  const { items } = await site.kube.list(resources.statefulSets, { namespace: site.namespace });
  return items.filter(({ metadata }) => owners.includes(metadata?.name));
}

const nameOf = ({ metadata }: { readonly metadata?: { readonly name?: string } }): string => metadata?.name ?? "";

const patchSet = ({ kube, namespace }: ScenarioSite, set: string, change: object): Promise<unknown> =>
  kube.patch(resources.statefulSets, set, change, { namespace });

const patchScaler = ({ kube, namespace }: ScenarioSite, name: string, spec: object): Promise<unknown> =>
  kube.patch(scalers, name, { spec }, { namespace });

const rolledOut = (site: ScenarioSite, what: string, isSized: (set: StatefulSet) => boolean = () => true) =>
  site.waitFor(what, async () => {
    const sets = await setsOf(site);
    return sets.every((set) => isSized(set) && isRolledOut(set));
  });

/** Every pod of every set, one after the other, as kubectl rollout restart does it. */
export const restart: Act = async ({ site }) => {
  const annotations = { "kubectl.kubernetes.io/restartedAt": new Date().toISOString() };
  for (const set of await setsOf(site))
    await patchSet(site, nameOf(set), { spec: { template: { metadata: { annotations } } } });
  site.say("all sets restart pod by pod");
  await rolledOut(site, "the rolling restart to end");
  return undefined;
};

/** One replica more of each set and back, by its autoscaler's bounds where it has one: an autoscaler undoes what others decide. */
export const scale: Act = async ({ site }) => {
  const before = await setsOf(site);
  const sizeOf = new Map(before.map((set) => [nameOf(set), set.spec?.replicas ?? 1]));
  const list = (await site.kube.list(scalers, { namespace: site.namespace })).items;
  const scalerOf = new Map(list.map((scaler) => [scaler.spec?.scaleTargetRef.name ?? "", scaler]));
  const resize = async (by: number): Promise<void> => {
    for (const [set, size] of sizeOf) {
      const scaler = scalerOf.get(set);
      const bounds = { minReplicas: size + by, maxReplicas: size + by };
      if (scaler) await patchScaler(site, nameOf(scaler), bounds);
      else await patchSet(site, set, { spec: { replicas: size + by } });
    }
    await rolledOut(site, `${by} replicas more`, (set) => set.spec?.replicas === (sizeOf.get(nameOf(set)) ?? 1) + by);
  };
  try {
    await resize(1);
    site.say("one replica more of each set");
    const { height } = await agreement(site);
    return { facts: { "agreed with one more of each": `block ${height}` } };
  } finally {
    await resize(0);
    for (const [set, scaler] of scalerOf) {
      const { minReplicas = 1, maxReplicas } = scaler.spec ?? {};
      if (sizeOf.has(set)) await patchScaler(site, nameOf(scaler), { minReplicas, maxReplicas });
    }
  }
};
