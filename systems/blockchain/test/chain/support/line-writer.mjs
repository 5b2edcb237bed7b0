// A process that dies: it goes on with a chain, block after block, leaving branches behind, until it kills itself at a given write to the
// database: before it, while it is under way, or right after it. node line-writer.mjs <dist> <dir> <write> before|during|after
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [dist, dir, fatalWrite, moment] = process.argv.slice(2);
const load = (path) => import(pathToFileURL(join(dist, path)).href);
const { openChain } = await load("chain/open-chain.js");
const { openDatabase } = await load("chain/store/database.js");
const { regtest } = await load("consensus/params.js");
const { blockHash } = await load("primitives/block.js");
const { txMerkleRoot } = await load("primitives/merkle.js");
const { txid } = await load("primitives/transaction.js");

const rules = { checkHeader: () => undefined, checkBlock: () => undefined, checkInputs: async () => undefined };
const die = () => process.kill(process.pid, "SIGKILL");

async function openDeadly() {
  const database = await openDatabase({ dir });
  let left = Number(fatalWrite);
  const write = async (operations, options) => {
    const isFatal = --left === 0;
    if (isFatal && moment === "before") die();
    const written = database.write(operations, options);
    if (isFatal && moment === "during") die();
    await written;
    if (isFatal) die();
  };
  return { ...database, write };
}

const chain = await openChain({ dir, network: regtest, rules, diskReserveBytes: 0, open: openDeadly });
const zero = Buffer.alloc(32);
let unique = Date.now() * 1000;

function block(parent, spends) {
  const script = Buffer.alloc(8);
  script.writeBigUInt64LE(BigInt(unique++));
  const coinbase = {
    version: 1,
    inputs: [{ prevout: { hash: zero, index: 0xffffffff }, script, sequence: 0, witness: [] }],
    outputs: [{ value: 1000, script: Buffer.from([0x51]) }],
    lockTime: 0,
  };
  const transactions = [coinbase, ...spends];
  const header = {
    version: 4,
    previous: parent.hash,
    merkleRoot: txMerkleRoot(transactions).root,
    time: parent.time + 1,
    bits: 0x207fffff,
    nonce: 0,
  };
  return { header, transactions };
}

async function add(made) {
  const result = await chain.addBlock(made);
  if (!result.ok) throw new Error(result.reason);
  return chain.entry(blockHash(made.header));
}

process.stdout.write(`open ${chain.tip.height}\n`);
for (;;) {
  // Each turn leaves three blocks behind and makes four others instead.
  let parent = chain.at(Math.max(0, chain.tip.height - 3));
  const coinBlock = await chain.block(parent);
  const coin = { hash: txid(coinBlock.transactions[0]), index: 0 };
  const tx = {
    version: 2,
    inputs: [{ prevout: coin, script: zero, sequence: 0, witness: [] }],
    outputs: [
      { value: 600, script: Buffer.from([0x52]) },
      { value: 400, script: Buffer.from([0x53]) },
    ],
    lockTime: 0,
  };
  for (let i = 0; i < 5; i++) parent = await add(block(parent, i === 0 && parent.height > 0 ? [tx] : []));
  process.stdout.write(`tip ${chain.tip.height}\n`);
}
