/**
 * The set of coins: looked up at random, and changed block by block without any script checked, against bare LevelDB and bcoin in the same run.
 * bcoin's coins are in memory all along: cold, for it, is without its cache of decoded coins.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openChain } from "../../systems/blockchain/dist/chain/open-chain.js";
import { type Database, openDatabase } from "../../systems/blockchain/dist/chain/store/database.js";
import { coinKey } from "../../systems/blockchain/dist/chain/store/keys.js";
import type { Chain } from "../../systems/blockchain/dist/chain/types.js";
import { regtest } from "../../systems/blockchain/dist/consensus/params.js";
import { type Block, blockHash, decodeBlock } from "../../systems/blockchain/dist/primitives/block.js";
import { type OutPoint, outPointKey, txid } from "../../systems/blockchain/dist/primitives/transaction.js";
import { type Row, table } from "../parts/report.ts";
import { KINDS, makeChain } from "./fixture.ts";
import { type Measured, measure, Rounds, times } from "./measure.ts";
import { findPeer, MISSING_PEER, Peer } from "./peer.ts";

const PAYMENTS = 200;
const BLOCKS = 60;
const LOOKUPS = 50_000;
const ROUNDS = 5;
/** As many coins there are to be found, made by few transactions: bcoin takes its time with signatures. */
const COINS = 50_000;
const CACHE_BYTES = 256 * 2 ** 20;
const noRules = { checkHeader: () => undefined, checkBlock: () => undefined, checkInputs: async () => undefined };

const open = (dir: string, coinCacheBytes: number, indexes: boolean): Promise<Chain> =>
  openChain({
    dir,
    network: regtest,
    rules: noRules,
    coinCacheBytes,
    indexes: { transactions: indexes, scripts: indexes },
  });

/** The outputs that nothing in the chain spends, in an order of no meaning. */
function unspent(blocks: readonly Block[]): OutPoint[] {
  const all = new Map<string, OutPoint>();
  for (const { transactions } of blocks) {
    for (const tx of transactions) {
      for (const { prevout } of tx.inputs) all.delete(outPointKey(prevout));
      for (const [index, { value }] of tx.outputs.entries())
        if (value > 0) all.set(outPointKey({ hash: txid(tx), index }), { hash: txid(tx), index });
    }
  }
  const points = [...all.values()];
  return Array.from({ length: LOOKUPS }, (_, i) => points[(i * 7919) % points.length] as OutPoint);
}

interface Reader {
  readonly name: string;
  readonly rounds: Rounds;
  look(points: readonly OutPoint[]): Promise<Measured>;
  stop(): Promise<void>;
}

function chainReader(name: string, chain: Chain): Reader {
  const look = (points: readonly OutPoint[]): Promise<Measured> =>
    measure(() => {
      for (const point of points) if (!chain.coin(point)) throw new TypeError("a coin is missing");
    });
  return { name, rounds: new Rounds(), look, stop: () => chain.close() };
}

function levelReader(database: Database): Reader {
  const look = async (points: readonly OutPoint[]): Promise<Measured> => {
    const keys = points.map((point) => coinKey(outPointKey(point)));
    return measure(() => {
      for (const key of keys) if (!database.getSync(key)) throw new TypeError("a coin is missing");
    });
  };
  return { name: "bare LevelDB, getSync", rounds: new Rounds(), look, stop: () => database.close() };
}

async function peerReader(folder: string, coinCacheBytes: number, blocks: readonly Buffer[]): Promise<Reader> {
  const peer = new Peer(folder);
  await peer.ask({ kind: "open", threads: 2, coinCacheBytes });
  await peer.ask({ kind: "add", blocks });
  const look = async (points: readonly OutPoint[]): Promise<Measured> => {
    const before = peer.cpuSeconds();
    const { seconds } = await peer.ask({ kind: "coins", keys: points });
    return { seconds, cpuSeconds: peer.cpuSeconds() - before };
  };
  const name = `bcoin ${peer.version}, ${coinCacheBytes > 0 ? "warm" : "cold"}, in memory`;
  return { name, rounds: new Rounds(), look, stop: () => peer.stop() };
}

function coinChain(): Buffer[] {
  const paying = 50;
  return makeChain({ blocks: paying, payments: (2 * COINS) / paying, every: paying, kinds: KINDS }).blocks.slice(
    0,
    -paying,
  );
}

async function fill(dir: string, blocks: readonly Buffer[]): Promise<void> {
  const chain = await open(dir, 0, false);
  for (const bytes of blocks) await chain.addBlock(decodeBlock(bytes));
  await chain.close();
}

async function lookUp(parent: string): Promise<string[]> {
  const dir = join(parent, "lookups");
  const folder = findPeer();
  const readers: Reader[] = [];
  const blocks = coinChain();
  const points = unspent(blocks.map((bytes) => decodeBlock(bytes)));
  // One database is open once at a time.
  for (const name of ["warm", "cold", "bare"]) await fill(join(dir, name), blocks);
  readers.push(chainReader("ours, warm", await open(join(dir, "warm"), CACHE_BYTES, false)));
  readers.push(chainReader("ours, cold, from disk", await open(join(dir, "cold"), 0, false)));
  readers.push(levelReader(await openDatabase({ dir: join(dir, "bare") })));
  if (folder !== undefined) for (const size of [CACHE_BYTES, 0]) readers.push(await peerReader(folder, size, blocks));
  try {
    for (let round = -1; round < ROUNDS; round++) {
      for (const reader of readers) {
        const measured = await reader.look(points);
        if (round >= 0) reader.rounds.add(measured, LOOKUPS);
      }
    }
  } finally {
    for (const reader of readers) await reader.stop();
  }
  const rate = (name: string): number | undefined => readers.find((one) => one.name.includes(name))?.rounds.rate;
  const against = (name: string, own: number): string => {
    const peer = rate(name.includes("warm") ? ", warm, in memory" : ", cold, in memory");
    return peer === undefined ? "–" : times(own / peer);
  };
  const rows = readers.map(({ name, rounds }) => [name, Math.round(rounds.rate), against(name, rounds.rate)]);
  return [
    `Coins looked up one by one at random; median of ${ROUNDS} rounds of ${LOOKUPS}.`,
    table(["where", "lookups/s", "of bcoin's"], rows),
    "Bound: warm, making the key and one look into a map; cold, LevelDB's own lookup and the way into its binding.",
    ...(folder === undefined ? [MISSING_PEER] : []),
  ];
}

async function connect(name: string, dir: string, blocks: readonly Block[], indexes: boolean): Promise<Row> {
  const chain = await open(dir, CACHE_BYTES, indexes);
  // As when catching up: headers first, so that not every block is flushed by itself.
  await chain.addHeaders(blocks.map(({ header }) => header));
  const first = blocks.length - BLOCKS;
  for (const block of blocks.slice(0, first)) await chain.addBlock(block);
  const measured = await measure(async () => {
    for (const block of blocks.slice(first)) await chain.addBlock(block);
  });
  if (chain.tip.height !== blocks.length) throw new TypeError("not all blocks were connected");
  await chain.close();
  return rowOf(name, measured);
}

const rowOf = (name: string, { seconds, cpuSeconds }: Measured): Row => [
  name,
  Math.round(BLOCKS / seconds),
  Math.round((BLOCKS * PAYMENTS) / seconds),
  ((cpuSeconds * 1e6) / BLOCKS / PAYMENTS).toFixed(1),
];

async function bareLevel(dir: string, blocks: readonly Block[], raw: readonly Buffer[]): Promise<Row> {
  const database = await openDatabase({ dir });
  const write = async (block: Block, bytes: Buffer): Promise<void> => {
    const operations = [{ type: "put" as const, key: blockHash(block.header), value: bytes }];
    for (const tx of block.transactions) {
      const hash = txid(tx);
      for (const [index, { script }] of tx.outputs.entries())
        operations.push({ type: "put", key: coinKey(outPointKey({ hash, index })), value: script });
    }
    const spent = block.transactions.slice(1).map((tx) => coinKey(outPointKey(tx.inputs[0]!.prevout)));
    await database.write([...operations, ...spent.map((key) => ({ type: "del" as const, key }))], { durable: false });
  };
  const first = blocks.length - BLOCKS;
  for (const [i, block] of blocks.slice(0, first).entries()) await write(block, raw[i]!);
  const measured = await measure(async () => {
    for (const [i, block] of blocks.slice(first).entries()) await write(block, raw[first + i]!);
  });
  await database.close();
  return rowOf("bare LevelDB, the same coins and blocks", measured);
}

export async function run(): Promise<string[]> {
  const line = makeChain({ blocks: BLOCKS, payments: PAYMENTS, kinds: KINDS });
  const dir = mkdtempSync(join(tmpdir(), "bench-coins-"));
  try {
    const decoded = (): Block[] => line.blocks.map((bytes) => decodeBlock(bytes));
    // Twice each, the second counts: the first is compiled.
    await connect("", join(dir, "cold"), decoded(), false);
    await bareLevel(join(dir, "first"), decoded(), line.blocks);
    const rows = [
      await connect("coins and undo data", join(dir, "warm"), decoded(), false),
      await connect("with indexes of transactions and addresses", join(dir, "indexed"), decoded(), true),
      await bareLevel(join(dir, "bare"), decoded(), line.blocks),
    ];
    return [
      ...(await lookUp(dir)),
      `Blocks connected without checking anything, ${PAYMENTS} payments each.`,
      table(["what", "blocks/s", "payments/s", "µs of CPU per payment"], rows),
      "Bound: the main thread, which computes ids and makes the rows of each block; the CPU time of bare LevelDB is the part that is the database's.",
    ];
  } finally {
    rmSync(dir, { recursive: true });
  }
}
