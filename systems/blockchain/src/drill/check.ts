/** What must hold once a fault is over. */

import type { ScenarioSite, ScenarioVerdict } from "@coracle/drill";
import { isPodReady } from "@coracle/kube";
import { type DrillNode, isAnswer, nodesOf } from "./nodes.ts";
import type { Payments } from "./payments.ts";

/** A block that all nodes had before the fault. */
export interface Agreed {
  readonly height: number;
  readonly hash: string;
}

/** Waits until all nodes have the same block at the height of the lowest tip, which is at least `least`. */
export async function agreement(site: ScenarioSite, least = 0): Promise<Agreed> {
  let agreed: Agreed | undefined;
  await site.waitFor("the nodes to agree on a chain", async () => {
    agreed = await agreedNow(await nodesOf(site), least);
    return agreed !== undefined;
  });
  return agreed as Agreed;
}

async function agreedNow(nodes: readonly DrillNode[], least: number): Promise<Agreed | undefined> {
  if (nodes.length === 0 || !nodes.every(({ pod }) => isPodReady(pod))) return undefined;
  const heights = (await Promise.all(nodes.map((node) => node.ask<number>("getblockcount")))).filter(isAnswer);
  const height = Math.min(...heights);
  if (heights.length < nodes.length || height < least) return undefined;
  const hashes = await Promise.all(nodes.map((node) => node.ask<string>("getblockhash", height)));
  const [hash] = hashes;
  return typeof hash === "string" && hashes.every((other) => other === hash) ? { height, hash } : undefined;
}

/** Judges after the fault; `before` was agreed on before it. */
export async function judge(site: ScenarioSite, before: Agreed, payments: Payments): Promise<ScenarioVerdict> {
  const begun = performance.now();
  const after = await agreement(site, before.height);
  const agreedMs = Math.round(performance.now() - begun);
  const nodes = await nodesOf(site);
  site.say(`${nodes.length} nodes agree on block ${after.height}`);
  const broken = [
    ...(await kept(nodes, before)),
    ...(await boundedTimes(nodes)),
    ...(await equalCoins(site)),
    ...(await replayedWallets(site, nodes)),
    ...(await keptPayments(nodes, payments)),
  ];
  const facts = {
    nodes: nodes.length,
    "agreed before": `block ${before.height}`,
    "agreed after": `block ${after.height}, ${agreedMs} ms after the fault ended`,
    payments: payments.missing ? `none: ${payments.missing}` : payments.txids.length,
  };
  return { facts, broken };
}

async function kept(nodes: readonly DrillNode[], { height, hash }: Agreed): Promise<string[]> {
  const hashes = await Promise.all(nodes.map((node) => node.ask<string>("getblockhash", height)));
  return nodes.flatMap(({ name }, n) => (hashes[n] === hash ? [] : [`${name} lost block ${height}, agreed on before`]));
}

/** `maxFutureSeconds` of the networks that are drilled, and as much again for clocks and the time that asking takes. */
const MOST_AHEAD_SECONDS = 240;

/** However wrong a clock was: no tip is from a time that the others would refuse. */
async function boundedTimes(nodes: readonly DrillNode[]): Promise<string[]> {
  const infos = await Promise.all(nodes.map((node) => node.ask<{ readonly time: number }>("getblockchaininfo")));
  const now = Date.now() / 1000;
  return nodes.flatMap(({ name }, n) => {
    const info = infos[n];
    const aheadSeconds = info && isAnswer(info) ? Math.round(info.time - now) : 0;
    return aheadSeconds > MOST_AHEAD_SECONDS ? [`the tip of ${name} is ${aheadSeconds} s ahead of time`] : [];
  });
}

interface CoinSet {
  readonly bestblock: string;
  readonly hash_serialized_3: string;
}

/** At the same block every node must have the same coins. Blocks come meanwhile, so it is asked until the blocks are the same. */
async function equalCoins(site: ScenarioSite): Promise<string[]> {
  let sets: readonly CoinSet[] = [];
  await site.waitFor("the nodes' coins at one block", async () => {
    const nodes = await nodesOf(site);
    sets = (await Promise.all(nodes.map((node) => node.ask<CoinSet>("gettxoutsetinfo")))).filter(isAnswer);
    return sets.length === nodes.length && new Set(sets.map(({ bestblock }) => bestblock)).size === 1;
  });
  const isEqual = new Set(sets.map(({ hash_serialized_3: hash }) => hash)).size === 1;
  return isEqual ? [] : ["nodes with the same block have different coins"];
}

interface WalletBalances {
  readonly mine: Readonly<Record<string, number>>;
  readonly lastprocessedblock: { readonly height: number };
}

/** A wallet must show what it shows after it has read the whole chain anew. */
async function replayedWallets(site: ScenarioSite, nodes: readonly DrillNode[]): Promise<string[]> {
  const broken: string[] = [];
  for (const node of nodes) {
    const wallets = await node.ask<readonly string[]>("listwallets");
    // Webservers make their wallet when somebody needs it.
    if (isAnswer(wallets) && wallets.length === 0) continue;
    let pair: readonly WalletBalances[] = [];
    await site.waitFor(`the wallet of ${node.name} between two blocks`, async () => {
      const before = await node.ask<WalletBalances>("getbalances");
      const scanned = await node.ask<object>("rescanblockchain");
      const after = await node.ask<WalletBalances>("getbalances");
      pair = [before, after].filter(isAnswer);
      const [height, same] = pair.map(({ lastprocessedblock }) => lastprocessedblock.height);
      return isAnswer(scanned) && pair.length === 2 && height === same;
    });
    const [shown, replayed] = pair.map(({ mine }) => JSON.stringify(mine));
    if (shown !== replayed) broken.push(`the wallet of ${node.name} shows ${shown}, a replay gives ${replayed}`);
  }
  return broken;
}

/** Every payment is in a block or waits for one, somewhere. */
async function keptPayments(nodes: readonly DrillNode[], { txids }: Payments): Promise<string[]> {
  const broken: string[] = [];
  for (const txid of txids) {
    const answers = await Promise.all(nodes.map((node) => node.ask<object>("getrawtransaction", txid, 1)));
    if (!answers.some(isAnswer)) broken.push(`payment ${txid} is nowhere`);
  }
  return broken;
}
