/** Faults that only the embedded cluster can inject. */
import { injectedSpec, injectFault } from "@coracle/drill";
import { type DrillNode, isAnswer, nodesOf } from "./nodes.ts";
import type { Act } from "./scenario.ts";

/** The container's process is killed and starts again under the pod's name, on the same disk. */
export const crash: Act = async ({ site, node }) => {
  const restarts = async (): Promise<number> => {
    const now = (await nodesOf(site)).find(({ name }) => name === node.name);
    return now?.pod.status?.containerStatuses?.[0]?.restartCount ?? 0;
  };
  const before = await restarts();
  await injectFault(site, "crash", { kind: "kill", namespace: site.namespace, pods: [node.name] }, undefined);
  site.say(`SIGKILL in ${node.name}`);
  await site.waitFor("the container to start again", async () => (await restarts()) > before);
  return undefined;
};

/** A wrong clock matters most where blocks are made. */
async function minersAmong(nodes: readonly DrillNode[]): Promise<readonly DrillNode[]> {
  const infos = await Promise.all(nodes.map((node) => node.ask<{ readonly generate: boolean }>("getmininginfo")));
  const miners = nodes.filter((_, n) => {
    const info = infos[n];
    return info !== undefined && isAnswer(info) && info.generate;
  });
  return miners.length > 0 ? miners : nodes;
}

export const clock =
  (which: "clock-forward" | "clock-back"): Act =>
  async ({ site, nodes }) => {
    const miners = await minersAmong(nodes);
    const node = miners[Math.floor(site.random() * miners.length)] as DrillNode;
    const spec = { ...injectedSpec(which), namespace: site.namespace, pods: [node.name] };
    const heal = await injectFault(site, which, spec, site.holdMs);
    try {
      site.say(`${node.name}'s clock is wrong by an hour`);
      await site.pause(site.holdMs);
      return { facts: { node: node.name } };
    } finally {
      await heal();
    }
  };

/** For everybody, not only for the nodes: they have no business with it, and neither need who would restart them. */
export const apiAway: Act = async ({ site, nodes }) => {
  const heal = await injectFault(site, "api-away", injectedSpec("api-away"), site.holdMs);
  try {
    site.say("the API answers 503 to everybody");
    const before = await highest(nodes);
    await site.pause(site.holdMs);
    const answers = await Promise.all(nodes.map((node) => node.ask<number>("getblockcount")));
    const silent = nodes.filter((_, n) => !isAnswer(answers[n] as number));
    return {
      facts: { "mined meanwhile": `${Math.max(...answers.filter(isAnswer)) - before} blocks` },
      broken: silent.map(({ name }) => `${name} did not answer while the API was away`),
    };
  } finally {
    await heal();
  }
};

async function highest(nodes: readonly DrillNode[]): Promise<number> {
  const heights = await Promise.all(nodes.map((node) => node.ask<number>("getblockcount")));
  return Math.max(...heights.filter(isAnswer));
}
