/** Half of the nodes cut off from the other half: both go on, each on a branch of its own, and one of the branches loses. */
import { amongThemselves, cutOff, DrillError, type ScenarioSite } from "@coracle/drill";
import { type DrillNode, isAnswer, nodesOf } from "./nodes.ts";
import type { Act, Seen } from "./scenario.ts";

type Side = readonly DrillNode[];

/** Every second node of each set, so that both sides have miners where there are several. */
export const partition: Act = async ({ site, nodes, before }) => {
  const cut = nodes.filter((_, n) => n % 2 === 0);
  const sides = [cut, nodes.filter((node) => !cut.includes(node))] as const;
  const [names, others] = sides.map(namesOf) as [string[], string[]];
  const pods = nodes.map(({ pod }) => pod);
  const heal = await cutOff(site, names, pods, amongThemselves(names));
  try {
    await apart(site, sides);
    site.say(`${names.join(", ")} cut off from ${others.join(", ")}`);
    await site.pause(site.holdMs);
    const isForked = await bothMined(site, sides);
    const tips = await Promise.all(sides.map(tipOf));
    const facts = { "at the end of the partition": `blocks ${tips.map(textOf).join(" and ")}` };
    return { facts, afterwards: () => reorganisations(site, before.height, isForked) };
  } finally {
    await heal();
  }
};

/** Some networks leave connections alone that are open already: between halves that hear each other there is nothing to be seen. */
async function apart(site: ScenarioSite, [one, two]: readonly [Side, Side]): Promise<void> {
  const areLinked = async (): Promise<boolean> => (await hears(one, two)) || (await hears(two, one));
  try {
    await site.waitFor("the halves to be apart", async () => !(await areLinked()));
  } catch (error) {
    if (!isNotSettled(error)) throw error;
    throw new DrillError(
      "impossible",
      "NetworkPolicies do not end open connections here: the halves still hear each other",
    );
  }
}

/** Whether a node of the first side has a peer on the second. One that came through a Service is known by its address at one end only. */
async function hears(side: Side, other: Side): Promise<boolean> {
  const addresses = new Set(other.map(({ pod }) => pod.status?.podIP));
  const lists = await Promise.all(side.map((node) => node.ask<readonly { readonly addr: string }[]>("getpeerinfo")));
  return lists.filter(isAnswer).some((peers) => peers.some(({ addr }) => addresses.has(addr.replace(/:\d+$/, ""))));
}

const isNotSettled = (error: unknown): boolean => error instanceof DrillError && error.code === "not-settled";

interface Tip {
  readonly height: number;
  readonly hash: string;
}

const namesOf = (side: Side): string[] => side.map(({ name }) => name);

const textOf = (tip: Tip | undefined): string => (tip ? `${tip.height} (${tip.hash.slice(-8)})` : "unknown");

async function tipOf([first]: Side): Promise<Tip | undefined> {
  const hash = await first?.ask<string>("getbestblockhash");
  if (first === undefined || typeof hash !== "string") return undefined;
  const header = await first.ask<{ readonly height: number }>("getblockheader", hash);
  return isAnswer(header) ? { height: header.height, hash } : undefined;
}

/** Waits, beyond the hold time if need be, until neither side's tip is in the other's chain. False when a side finds no block in time. */
async function bothMined(site: ScenarioSite, [one, two]: readonly [Side, Side]): Promise<boolean> {
  try {
    await site.waitFor("a block on each side", async () => {
      const [a, b] = [await tipOf(one), await tipOf(two)];
      return a !== undefined && b !== undefined && !(await knows(one, b.hash)) && !(await knows(two, a.hash));
    });
    return true;
  } catch (error) {
    if (!isNotSettled(error)) throw error;
    return false;
  }
}

const knows = async ([first]: Side, hash: string): Promise<boolean> =>
  first !== undefined && isAnswer(await first.ask<object>("getblockheader", hash));

interface Branch {
  readonly height: number;
  readonly branchlen: number;
  readonly status: string;
}

/** What each node gave up of what it had connected. */
async function reorganisations(site: ScenarioSite, agreedHeight: number, isForked: boolean): Promise<Seen> {
  const nodes = await nodesOf(site);
  const depths = await Promise.all(nodes.map((node) => lostBranch(node, agreedHeight)));
  const depth = Math.max(...depths);
  const who = namesOf(nodes.filter((_, n) => depths[n] === depth)).join(", ");
  if (depth > 0) return { facts: { reorganised: `${depth} blocks deep at ${who}` } };
  if (!isForked) return { facts: { reorganised: "nothing: one side found no block" } };
  return { broken: ["both sides had a branch of their own, and no node gave its up"] };
}

async function lostBranch(node: DrillNode, agreedHeight: number): Promise<number> {
  const tips = await node.ask<readonly Branch[]>("getchaintips");
  const lost = isAnswer(tips)
    ? tips.filter(({ status, height }) => status === "valid-fork" && height > agreedHeight)
    : [];
  return Math.max(0, ...lost.map(({ branchlen }) => branchlen));
}
