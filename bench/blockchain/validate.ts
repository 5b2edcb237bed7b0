/**
 * Blocks and transactions validated a second: the same blocks, one after the other, by the node's chain, by bcoin's, and their signatures by the
 * bare library. Rounds alternate, so that what else the machine does falls on all.
 *
 * Ours writes to LevelDB on disk; bcoin keeps its chain in memory, since an install without scripts has no database. bcoin's threads are
 * processes, as many as ours.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { openChain } from "../../systems/blockchain/dist/chain/open-chain.js";
import type { Chain } from "../../systems/blockchain/dist/chain/types.js";
import { regtest } from "../../systems/blockchain/dist/consensus/params.js";
import { consensusRules } from "../../systems/blockchain/dist/consensus/rules.js";
import { createVerifier, type Verifier } from "../../systems/blockchain/dist/consensus/verifier.js";
import { decodeBlock } from "../../systems/blockchain/dist/primitives/block.js";
import { table } from "../parts/report.ts";
import { BareThreads } from "./bare.ts";
import { KINDS, makeChain, type Spend } from "./fixture.ts";
import { measure, percent, Rounds, times } from "./measure.ts";
import { findPeer, MISSING_PEER, Peer } from "./peer.ts";

const PAYMENTS = 400;
const BLOCKS_PER_ROUND = 4;
/** Rounds that don't count: V8 compiles in them, in every thread anew. */
const WARM_UP = 5;
const ROUNDS = 7;

async function open(dir: string, verifier: Verifier, indexes: boolean): Promise<Chain> {
  const chain = await openChain({
    dir,
    network: regtest,
    rules: consensusRules(regtest, verifier),
    indexes: { transactions: indexes, scripts: indexes },
  });
  return chain;
}

/** As peers deliver them: one is decoded while another is being checked. */
async function add(chain: Chain, blocks: readonly Buffer[]): Promise<void> {
  const results: ReturnType<Chain["addBlock"]>[] = [];
  for (const bytes of blocks) {
    results.push(chain.addBlock(decodeBlock(bytes), { requested: true }));
    await new Promise((resolve) => setImmediate(resolve));
  }
  for (const result of await Promise.all(results)) {
    if (!result.ok) throw new TypeError(`a valid block was refused: ${result.reason}`);
  }
}

interface Contender {
  readonly name: string;
  readonly rounds: Rounds;
  run(blocks: readonly Buffer[], spends: readonly Spend[]): Promise<void>;
  prepare?(spends: readonly Spend[]): Promise<void>;
  cpu?(): number;
  stop(): Promise<unknown>;
}

async function contenders(dir: string, threads: number): Promise<Contender[]> {
  const verifier = createVerifier({ threads, cacheEntries: 0 });
  const plain = await open(join(dir, "plain"), verifier, false);
  const indexed = await open(join(dir, "indexed"), verifier, true);
  const bare = new BareThreads(threads);
  const all: Contender[] = [
    {
      name: "bare signature library, the limit",
      rounds: new Rounds(),
      prepare: (spends) => bare.load(spends.map(({ signed }) => signed)),
      run: () => bare.verify(),
      stop: () => bare.stop(),
    },
    {
      name: "scripts alone",
      rounds: new Rounds(),
      async run(_, spends) {
        if ((await verifier.verify(spends)) !== undefined) throw new TypeError("a valid script was refused");
      },
      stop: () => verifier.close(),
    },
    {
      name: "whole blocks, to disk",
      rounds: new Rounds(),
      run: (blocks) => add(plain, blocks),
      stop: () => plain.close(),
    },
    {
      name: "whole blocks, with indexes of transactions and addresses",
      rounds: new Rounds(),
      run: (blocks) => add(indexed, blocks),
      stop: () => indexed.close(),
    },
  ];
  const folder = findPeer();
  if (folder === undefined) return all;
  const peer = new Peer(folder);
  await peer.ask({ kind: "open", threads });
  const run = async (blocks: readonly Buffer[]): Promise<void> => void (await peer.ask({ kind: "add", blocks }));
  return [
    ...all,
    {
      name: `bcoin ${peer.version}, whole blocks, in memory`,
      rounds: new Rounds(),
      run,
      cpu: () => peer.cpuSeconds(),
      stop: () => peer.stop(),
    },
  ];
}

export async function run(): Promise<string[]> {
  const threads = availableParallelism();
  const line = makeChain({ blocks: (WARM_UP + ROUNDS) * BLOCKS_PER_ROUND, payments: PAYMENTS, kinds: KINDS });
  const first = line.blocks.length - (WARM_UP + ROUNDS) * BLOCKS_PER_ROUND;
  const dir = mkdtempSync(join(tmpdir(), "bench-validate-"));
  const all = await contenders(dir, threads);
  try {
    for (const one of all) await one.run(line.blocks.slice(0, first), []);
    for (let round = -WARM_UP; round < ROUNDS; round++) {
      const from = first + (round + WARM_UP) * BLOCKS_PER_ROUND;
      const blocks = line.blocks.slice(from, from + BLOCKS_PER_ROUND);
      const spends = line.spends.slice(from, from + BLOCKS_PER_ROUND).flat();
      for (const one of all) {
        await one.prepare?.(spends);
        const measured = await measure(() => one.run(blocks, spends), one.cpu);
        if (round >= 0) one.rounds.add(measured, spends.length);
      }
    }
  } finally {
    for (const one of all.toReversed()) await one.stop();
    rmSync(dir, { recursive: true });
  }
  return report(all, threads);
}

function report(all: readonly Contender[], threads: number): string[] {
  const limit = all[0]!.rounds;
  const peer = all[4]?.rounds;
  const rows = all.map(({ name, rounds }) => [
    name,
    (rounds.rate / PAYMENTS).toFixed(1),
    Math.round(rounds.rate),
    percent(rounds.rate / limit.rate),
    rounds.cpuMicros.toFixed(0),
    percent(limit.cpuMicros / rounds.cpuMicros),
    peer ? times(rounds.rate / peer.rate) : "–",
  ]);
  return [
    `Blocks of ${PAYMENTS} payments, one input and two outputs each, a third each ${KINDS.join(", ")}; ${threads} threads; median of ${ROUNDS} rounds of ${BLOCKS_PER_ROUND} blocks.`,
    table(
      [
        "what",
        "blocks/s",
        "payments/s",
        "of the limit",
        "µs of CPU per payment",
        "of the limit's CPU",
        "of bcoin's rate",
      ],
      rows,
    ),
    "Bound: of scripts, the signature library, three quarters of the threads' time; whole blocks add what one thread does for each payment: decoding, ids, coins, and the rows of the batch that LevelDB takes, four a payment and ten more with indexes.",
    ...(peer ? ["bcoin knows no taproot: a third of the signatures cost it nothing."] : [MISSING_PEER]),
  ];
}
