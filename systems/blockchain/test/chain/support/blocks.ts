/** Blocks for tests of the chain, and rules that look only at what the tests need: the real ones have their own tests. */
import type { Rules } from "../../../src/chain/rules.ts";
import { regtest } from "../../../src/consensus/params.ts";
import { rejection } from "../../../src/consensus/rejection.ts";
import { type Block, blockHash } from "../../../src/primitives/block.ts";
import { zeroHash } from "../../../src/primitives/hash.ts";
import { txMerkleRoot } from "../../../src/primitives/merkle.ts";
import type { OutPoint, Transaction, TxOutput } from "../../../src/primitives/transaction.ts";

export const SUBSIDY = 1_000_000;
export const genesis = regtest.genesis;

/** Scripts stand for owners. */
export const scriptOf = (owner: number): Buffer => Buffer.from([0x51, 0x01, owner]);

let unique = 0;

export const coinbase = (owner: number, value = SUBSIDY): Transaction => {
  const script = Buffer.alloc(8);
  script.writeUInt32LE(++unique, 4);
  return {
    version: 1,
    inputs: [{ prevout: { hash: zeroHash, index: 0xffffffff }, script, sequence: 0xffffffff, witness: [] }],
    outputs: [
      { value, script: scriptOf(owner) },
      { value: 0, script: Buffer.from([0x6a, 1, owner]) },
    ],
    lockTime: 0,
  };
};

export const payment = (from: readonly OutPoint[], outputs: readonly TxOutput[]): Transaction => ({
  version: 2,
  inputs: from.map((prevout) => ({ prevout, script: Buffer.alloc(0), sequence: 0xffffffff, witness: [] })),
  outputs,
  lockTime: 0,
});

export interface BlockOptions {
  readonly transactions?: readonly Transaction[];
  readonly owner?: number;
  readonly bits?: number;
}

export function makeBlock(
  parent: Block,
  { transactions = [], owner = 0, bits = 0x207fffff }: BlockOptions = {},
): Block {
  const all = [coinbase(owner), ...transactions];
  const header = {
    version: 4,
    previous: blockHash(parent.header),
    merkleRoot: txMerkleRoot(all).root,
    time: parent.header.time + 1,
    bits,
    nonce: 0,
  };
  return { header, transactions: all };
}

export function makeLine(from: Block, length: number, options?: BlockOptions): Block[] {
  const line: Block[] = [];
  for (let i = 0; i < length; i++) line.push(makeBlock(line.at(-1) ?? from, options));
  return line;
}

/** A nonce by which a test says that the header is wrong. */
export const BAD_NONCE = 666;

const sum = (values: readonly { readonly value: number }[]): number =>
  values.reduce((all, { value }) => all + value, 0);

export const simpleRules: Rules = {
  checkHeader: (header) => (header.nonce === BAD_NONCE ? rejection("high-hash", "", "header") : undefined),
  checkBlock: (block) =>
    txMerkleRoot(block.transactions).root.equals(block.header.merkleRoot)
      ? undefined
      : rejection("bad-txnmrklroot", "", "mutated"),
  checkInputs: async (block, _parent, spent) =>
    block.transactions.some((tx, i) => i > 0 && sum(spent[i]!) < sum(tx.outputs))
      ? rejection("bad-txns-in-belowout")
      : undefined,
};
