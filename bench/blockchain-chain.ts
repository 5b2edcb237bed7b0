/**
 * The chain's database: blocks connected and coins looked up, against bare LevelDB in the same run. Run: npm run bench -- blockchain-chain [blocks]
 *
 * Blocks of 200 payments (one input, two outputs) are connected without checking scripts, which `blockchain-verify` measures: what is left is
 * decoding nothing, finding coins, undo data, indexes and one batch per block. The limit is LevelDB taking a batch of the same coins and blocks
 * and nothing else. Then coins are looked up at random, in memory and on disk, against `getSync` of the same keys.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { openChain } from "../systems/blockchain/dist/chain/open-chain.js";
import { openDatabase } from "../systems/blockchain/dist/chain/store/database.js";
import { coinKey } from "../systems/blockchain/dist/chain/store/keys.js";
import { regtest } from "../systems/blockchain/dist/consensus/params.js";
import { type Block, blockHash, encodeBlock } from "../systems/blockchain/dist/primitives/block.js";
import { sha256 } from "../systems/blockchain/dist/primitives/hash.js";
import { txMerkleRoot } from "../systems/blockchain/dist/primitives/merkle.js";
import {
  type OutPoint,
  outPointKey,
  type Transaction,
  txid,
} from "../systems/blockchain/dist/primitives/transaction.js";
import { publish, type Row, table } from "./parts/report.ts";

const blockCount = Number(process.argv[2] ?? 400);
const PAYMENTS = 200;
const MIB = 2 ** 20;
const loadBefore = loadavg()[0] as number;
const dir = mkdtempSync(join(tmpdir(), "bench-chain-"));
const rules = { checkHeader: () => undefined, checkBlock: () => undefined, checkInputs: async () => undefined };

let seed = 1;
const random = (below: number): number => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return seed % below;
};
const scriptOf = (n: number): Buffer =>
  Buffer.concat([Buffer.from([0x00, 0x14]), sha256(Buffer.from(`${n}`)).subarray(0, 20)]);
const free: OutPoint[] = [];

function makeBlock(parent: Block, height: number): Block {
  const extra = Buffer.alloc(8);
  extra.writeUInt32LE(height, 1);
  const none = { hash: Buffer.alloc(32), index: 0xffffffff };
  const input = { prevout: none, script: extra, sequence: 0xffffffff, witness: [] };
  // Enough outputs to begin with.
  const outputs = Array.from({ length: height <= 50 ? PAYMENTS : 1 }, (_, i) => ({ value: 1e6, script: scriptOf(i) }));
  const transactions: Transaction[] = [{ version: 1, inputs: [input], outputs, lockTime: 0 }];
  for (let i = 0; i < PAYMENTS && free.length > PAYMENTS; i++) {
    const [prevout] = free.splice(random(free.length), 1) as [OutPoint];
    const witness = [Buffer.alloc(71, i), Buffer.alloc(33, 2)];
    const to = [0, 1].map(() => ({ value: 1000, script: scriptOf(random(100_000)) }));
    transactions.push({
      version: 2,
      inputs: [{ prevout, script: Buffer.alloc(0), sequence: 0, witness }],
      outputs: to,
      lockTime: 0,
    });
  }
  for (const tx of transactions) for (const index of tx.outputs.keys()) free.push({ hash: txid(tx), index });
  const merkleRoot = txMerkleRoot(transactions).root;
  const { time } = parent.header;
  const header = {
    version: 4,
    previous: blockHash(parent.header),
    merkleRoot,
    time: time + 1,
    bits: 0x207fffff,
    nonce: 0,
  };
  return { header, transactions };
}

const line: Block[] = [];
for (let height = 1; height <= blockCount; height++) line.push(makeBlock(line.at(-1) ?? regtest.genesis, height));
const inputs = line.reduce((sum, { transactions }) => sum + transactions.length - 1, 0);

async function timed(work: () => Promise<void>): Promise<number> {
  const begun = performance.now();
  await work();
  return (performance.now() - begun) / 1000;
}

async function connect(name: string, indexes: boolean): Promise<Row> {
  const folder = join(dir, name);
  const options = { dir: folder, network: regtest, rules, indexes: { transactions: indexes, scripts: indexes } };
  const chain = await openChain(options);
  const seconds = await timed(async () => {
    // As when catching up: headers first, so that not every block is flushed by itself.
    for (let i = 0; i < line.length; i += 2000)
      await chain.addHeaders(line.slice(i, i + 2000).map(({ header }) => header));
    for (const block of line) await chain.addBlock(block);
  });
  if (chain.tip.height !== blockCount) throw new TypeError("not all blocks were connected");
  await chain.close();
  return [name, Math.round(blockCount / seconds), Math.round(inputs / seconds)];
}

async function bare(): Promise<Row> {
  const database = await openDatabase({ dir: join(dir, "bare") });
  const seconds = await timed(async () => {
    for (const block of line) {
      const operations = [{ type: "put" as const, key: blockHash(block.header), value: encodeBlock(block) }];
      for (const tx of block.transactions) {
        for (const [index, { script }] of tx.outputs.entries()) {
          operations.push({ type: "put", key: coinKey(outPointKey({ hash: txid(tx), index })), value: script });
        }
      }
      const spent = block.transactions.slice(1).map((tx) => coinKey(outPointKey(tx.inputs[0]!.prevout)));
      await database.write([...operations, ...spent.map((key) => ({ type: "del" as const, key }))], { durable: false });
    }
  });
  await database.close();
  return ["bare LevelDB, the same coins and blocks", Math.round(blockCount / seconds), Math.round(inputs / seconds)];
}

async function lookups(): Promise<Row[]> {
  const keys = Array.from({ length: 200_000 }, () => free[random(free.length)] as OutPoint);
  const rate = async (folder: string, coinCacheBytes: number, rounds: number): Promise<number> => {
    const chain = await openChain({
      dir: join(dir, folder),
      network: regtest,
      rules,
      coinCacheBytes,
      indexes: { transactions: false, scripts: false },
    });
    let seconds = 0;
    for (let round = 0; round < rounds; round++) {
      seconds = await timed(async () => {
        for (const key of keys) if (!chain.coin(key)) throw new TypeError("a coin is missing");
      });
    }
    await chain.close();
    return Math.round(keys.length / seconds);
  };
  const database = await openDatabase({ dir: join(dir, "without indexes") });
  const raw = keys.map((key) => coinKey(outPointKey(key)));
  const seconds = await timed(async () => {
    for (const key of raw) if (!database.getSync(key)) throw new TypeError("a coin is missing");
  });
  await database.close();
  return [
    ["in memory", await rate("without indexes", 512 * MIB, 2)],
    ["on disk", await rate("without indexes", 0, 1)],
    ["bare LevelDB, getSync", Math.round(keys.length / seconds)],
  ];
}

try {
  const rows = [
    await connect("without indexes", false),
    await connect("with indexes of transactions and scripts", true),
    await bare(),
  ];
  const found = await lookups();
  publish("blockchain-chain", `npm run bench -- blockchain-chain ${blockCount}`, loadBefore, [
    `${blockCount} blocks of up to ${PAYMENTS} payments, ${inputs} inputs in all, scripts not checked.`,
    table(["what", "blocks/s", "inputs/s"], rows),
    `Coins looked up one by one, ${free.length} there are.`,
    table(["where", "lookups/s"], found),
  ]);
} finally {
  rmSync(dir, { recursive: true });
}
