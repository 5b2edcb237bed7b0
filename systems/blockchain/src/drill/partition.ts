/** Half of the nodes cut off from the other half: both go on, each on a branch of its own. */
import { amongThemselves, cutOff } from "@coracle/drill";
import { type DrillNode, isAnswer } from "./nodes.ts";
import type { Act } from "./scenario.ts";

/** Every second node of each set, so that both sides have miners where there are several. */
export const partition: Act = async ({ site, nodes }) => {
  const cut = nodes.filter((_, n) => n % 2 === 0);
  const names = cut.map(({ name }) => name);
  const others = nodes.filter((node) => !cut.includes(node));
  const pods = nodes.map(({ pod }) => pod);
  const heal = await cutOff(site, names, pods, amongThemselves(names));
  try {
    site.say(`${names.join(", ")} cut off from ${others.map(({ name }) => name).join(", ")}`);
    await site.pause(site.holdMs);
    const tips = await Promise.all([cut, others].map(([first]) => tipOf(first as DrillNode)));
    return { facts: { "at the end of the partition": `blocks ${tips.join(" and ")}` } };
  } finally {
    await heal();
  }
};

async function tipOf(node: DrillNode): Promise<string> {
  const [height, hash] = [await node.ask<number>("getblockcount"), await node.ask<string>("getbestblockhash")];
  return isAnswer(height) && isAnswer(hash) ? `${height} (${hash.slice(-8)})` : "unknown";
}
