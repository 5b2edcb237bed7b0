/**
 * How a chain is drilled (`coracle drill blockchain`): payments go on while faults come, then the nodes must agree.
 *
 * A chain does not promise that every write is there at once. It promises that nodes come to one chain, that what all agreed on before a
 * fault stays, that each node's coins and wallet are what a replay of that chain gives, and that no payment is lost.
 */
import { amongThemselves, cutOff, type Scenario, type ScenarioPlugin, type ScenarioSite } from "@coracle/drill";
import { isKubeError, resource, resources } from "@coracle/kube";
import type { PersistentVolumeClaim } from "kubernetes-types/core/v1.js";
import { agreement, judge } from "./drill/check.ts";
import { type DrillNode, nodesOf } from "./drill/nodes.ts";
import { Payments } from "./drill/payments.ts";

const claims = resource<PersistentVolumeClaim>("v1", "persistentvolumeclaims");
const PAY_EVERY_MS = 1000;

/** What is done to the nodes; it is over, and healed, when this resolves. */
type Act = (site: ScenarioSite, nodes: readonly DrillNode[], payments: Payments) => Promise<void>;

const scenario = (summary: string, act: Act): Scenario => ({
  summary,
  async run(site) {
    const payments = new Payments();
    const before = await agreement(site);
    site.say(`all agree on block ${before.height}`);
    const nodes = await nodesOf(site);
    await payments.pay(nodes);
    await act(site, nodes, payments);
    await payments.pay(await nodesOf(site));
    return judge(site, before, payments);
  },
});

const pick = (site: ScenarioSite, nodes: readonly DrillNode[]): DrillNode =>
  nodes[Math.floor(site.random() * nodes.length)] as DrillNode;

async function killNodes(site: ScenarioSite, nodes: readonly DrillNode[]): Promise<void> {
  const { kube, namespace } = site;
  const uids = nodes.map(({ pod }) => pod.metadata?.uid);
  for (const { name } of nodes) await kube.delete(resources.pods, name, { namespace, gracePeriodSeconds: 0 });
  site.say(`${nodes.map(({ name }) => name).join(", ")} deleted without grace`);
  await site.waitFor("new pods", async () => {
    const now = await nodesOf(site);
    const isBack = nodes.every(({ name }) => now.some((node) => node.name === name));
    return isBack && now.every(({ pod }) => !uids.includes(pod.metadata?.uid));
  });
}

/** Every second node of each set, so that both sides have miners where there are several. */
async function partition(site: ScenarioSite, nodes: readonly DrillNode[], payments: Payments): Promise<void> {
  const cut = nodes.filter((_, n) => n % 2 === 0);
  const names = cut.map(({ name }) => name);
  const others = nodes.filter((node) => !cut.includes(node));
  const heal = await cutOff(
    site,
    names,
    nodes.map(({ pod }) => pod),
    amongThemselves(names),
  );
  try {
    site.say(`${names.join(", ")} cut off from ${others.map(({ name }) => name).join(", ")}`);
    const end = performance.now() + site.holdMs;
    while (performance.now() < end) {
      await payments.pay(site.random() < 0.5 ? cut : others);
      await site.pause(PAY_EVERY_MS);
    }
  } finally {
    await heal();
  }
}

/** The chain's volume only: keys can't be had from others. */
async function wipe(site: ScenarioSite, node: DrillNode): Promise<void> {
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
  await killNodes(site, [node]).catch((error: unknown) => {
    // The set may wait for the claim to be gone before it makes the pod.
    if (!isKubeError(error, "not-found")) throw error;
  });
  site.say(`${node.name} begins anew, without ${names.join(", ")}`);
  await site.waitFor("new claims", async () => {
    const now = await Promise.all(names.map(uidOf));
    return now.every((uid, n) => uid !== undefined && uid !== before[n]);
  });
}

export const drill: ScenarioPlugin = {
  usual: ["kill", "partition", "outage", "wipe"],
  scenarios: {
    kill: scenario("one node killed", (site, nodes) => killNodes(site, [pick(site, nodes)])),
    partition: scenario("half of the nodes cut off from the others, then healed", partition),
    outage: scenario("all nodes killed at once", killNodes),
    wipe: scenario("one node's chain wiped: it fetches all from the others", (site, nodes) =>
      wipe(site, pick(site, nodes)),
    ),
  },
};
