/** What a wallet's transactions take in memory, since it keeps all of them, and what it takes to look at them. */
import { randomBytes } from "node:crypto";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Transaction, TxInput } from "../../systems/blockchain/dist/primitives/transaction.js";
import { txid } from "../../systems/blockchain/dist/primitives/transaction.js";
import { balancesOf } from "../../systems/blockchain/dist/wallet/ledger/balance.js";
import { entriesBetween, entriesOf } from "../../systems/blockchain/dist/wallet/ledger/history.js";
import { Ledger } from "../../systems/blockchain/dist/wallet/ledger/ledger.js";
import { type Row, table } from "../parts/report.ts";
import { measure } from "./measure.ts";

const COUNT = 100_000;
/** Transactions of ours in one block: the worst, for what the block has is kept with each. */
const PER_BLOCK = 1;
const ADDRESSES = 1000;
/** Small buffers that the node makes and drops from block to block: what is kept of a block must not hold the memory that they share. */
const DROPPED = 300;
const VALUE = 50e8;
/** Lines of a page. */
const PAGE = 25;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

function heldBytes(): number {
  for (let i = 0; i < 3; i++) collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const script = (): Buffer => Buffer.concat([Buffer.from([0x00, 0x14]), randomBytes(20)]);
const input = (hash: Buffer, index = 0): TxInput => ({
  prevout: { hash, index },
  script: Buffer.alloc(0),
  sequence: 0xfffffffd,
  witness: [randomBytes(72), randomBytes(33)],
});

/** Each kind makes the next transaction of a wallet out of its last. */
const KINDS: Readonly<Record<string, (own: Buffer, last: Transaction | undefined) => Transaction>> = {
  "mined coins": (own) => ({
    version: 2,
    inputs: [{ ...input(Buffer.alloc(32), 0xffffffff), script: randomBytes(8) }],
    outputs: [{ value: VALUE, script: own }],
    lockTime: 0,
  }),
  "payments from others": (own) => ({
    version: 2,
    inputs: [input(randomBytes(32))],
    outputs: [
      { value: VALUE, script: own },
      { value: VALUE, script: script() },
    ],
    lockTime: 0,
  }),
  "payments to others, with change": (own, last) => ({
    version: 2,
    inputs: [input(last ? txid(last) : randomBytes(32))],
    outputs: [
      { value: VALUE, script: own },
      { value: 1e5, script: script() },
    ],
    lockTime: 0,
  }),
};

async function measured(kind: string, make: (typeof KINDS)[string]): Promise<Row> {
  const owned = Array.from({ length: ADDRESSES }, (_, index) => ({
    path: { purpose: 84, branch: 0, index } as const,
    publicKey: randomBytes(33),
    script: script(),
  }));
  const byScript = new Map(owned.map((owner) => [owner.script.toString("latin1"), owner]));
  const before = heldBytes();
  const ledger = new Ledger({ now: () => 0, ownerOf: (of) => byScript.get(of.toString("latin1")) });
  let last: Transaction | undefined;
  for (let i = 0; i < COUNT; i += PER_BLOCK) {
    const transactions = Array.from({ length: PER_BLOCK }, (_, j) => {
      last = make(owned[(i + j) % ADDRESSES]!.script, last);
      return last;
    });
    const header = { version: 4, previous: randomBytes(32), merkleRoot: randomBytes(32), time: i, bits: 0, nonce: 0 };
    for (let k = 0; k < DROPPED; k++) Buffer.from(header.previous);
    ledger.connect({ header, transactions }, i / PER_BLOCK, randomBytes(32));
  }
  last = undefined;
  const bytes = heldBytes() - before;
  const facts = { height: COUNT, coinbaseMaturity: 100 };
  const balances = await measure(() => balancesOf(ledger, facts));
  const statement = { ledger, facts, addressOf: () => undefined, labelOf: () => undefined };
  const history = await measure(() => [...ledger.rows()].flatMap((row) => entriesOf(statement, row)));
  const afterChange = await measure(() => entriesBetween(statement, COUNT / 2, PAGE));
  const page = await measure(() => entriesBetween(statement, COUNT / 4, PAGE));
  return [
    kind,
    Math.round(bytes / 2 ** 20),
    Math.round(bytes / COUNT),
    Math.round(balances.cpuSeconds * 1000),
    Math.round(history.cpuSeconds * 1000),
    Math.round(afterChange.cpuSeconds * 1000),
    Math.round(page.cpuSeconds * 1e5) / 100,
  ];
}

export async function run(): Promise<string[]> {
  const rows: Row[] = [];
  for (const [kind, make] of Object.entries(KINDS)) rows.push(await measured(kind, make));
  const head = [
    "transactions",
    "MiB in all",
    "bytes each",
    "ms of CPU for the balances",
    "for the whole history",
    `for ${PAGE} lines after a change`,
    "without",
  ];
  return [
    `Wallets with ${COUNT} transactions, ${PER_BLOCK} in a block, over ${ADDRESSES} addresses.`,
    table(head, rows),
  ];
}
