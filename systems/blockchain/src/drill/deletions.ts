/** Pods and volumes that go away. */
import type { ScenarioSite } from "@coracle/drill";
import { isKubeError, resource, resources } from "@coracle/kube";
import type { PersistentVolumeClaim } from "kubernetes-types/core/v1.js";
import { type DrillNode, nodesOf } from "./nodes.ts";
import type { Act } from "./scenario.ts";

const claims = resource<PersistentVolumeClaim>("v1", "persistentvolumeclaims");

/** Deletes pods, each within its grace or, with 0, as if the power went, and waits for their successors. */
export async function deletePods(
  site: ScenarioSite,
  nodes: readonly DrillNode[],
  gracePeriodSeconds?: number,
): Promise<void> {
  const { kube, namespace } = site;
  const uids = nodes.map(({ pod }) => pod.metadata?.uid);
  const grace = gracePeriodSeconds !== undefined && { gracePeriodSeconds };
  for (const { name } of nodes) await kube.delete(resources.pods, name, { namespace, ...grace });
  site.say(`${nodes.map(({ name }) => name).join(", ")} deleted ${grace ? "without" : "with"} grace`);
  await site.waitFor("new pods", async () => {
    const now = await nodesOf(site);
    const isBack = nodes.every(({ name }) => now.some((node) => node.name === name));
    return isBack && now.every(({ pod }) => !uids.includes(pod.metadata?.uid));
  });
}

export const deleteOne: Act = async ({ site, node }) => void (await deletePods(site, [node]));
export const killOne: Act = async ({ site, node }) => void (await deletePods(site, [node], 0));
export const killAll: Act = async ({ site, nodes }) => void (await deletePods(site, nodes, 0));

/** The chain's volume only: keys can't be had from others. */
export const wipe: Act = async ({ site, node }) => {
  const { kube, namespace } = site;
  const names = (node.pod.spec?.volumes ?? []).flatMap(({ persistentVolumeClaim: claim }) =>
    claim?.claimName.includes("-data-") ? [claim.claimName] : [],
  );
  const uidOf = async (name: string): Promise<string | undefined> => {
    try {
      return (await kube.get(claims, name, { namespace })).metadata?.uid;
    } catch (error) {
      if (isKubeError(error, "not-found")) return undefined;
      throw error;
    }
  };
  const before = await Promise.all(names.map(uidOf));
  for (const name of names) await kube.delete(claims, name, { namespace });
  await deletePods(site, [node], 0).catch((error: unknown) => {
    // The set may wait for the claim to be gone before it makes the pod.
    if (!isKubeError(error, "not-found")) throw error;
  });
  site.say(`${node.name} begins anew, without ${names.join(", ")}`);
  await site.waitFor("new claims", async () => {
    const now = await Promise.all(names.map(uidOf));
    return now.every((uid, n) => uid !== undefined && uid !== before[n]);
  });
  return undefined;
};
