/** Blocks and transactions on top of regtest's genesis. */

import type { ChainNode } from "../../src/consensus/difficulty.ts";
import { regtest } from "../../src/consensus/params.ts";
import { blockSubsidy } from "../../src/consensus/subsidy.ts";
import { meetsTarget } from "../../src/consensus/target.ts";
import { type Block, type BlockHeader, blockHash } from "../../src/primitives/block.ts";
import { zeroHash } from "../../src/primitives/hash.ts";
import { txMerkleRoot, witnessCommitment, witnessCommitmentScript } from "../../src/primitives/merkle.ts";
import { hasWitness, type OutPoint, type Transaction, type TxInput } from "../../src/primitives/transaction.ts";
import { pushNumber } from "../../src/script/parse.ts";

export const anyoneCanSpend: Buffer = Buffer.from([0x51]);

export const inputOf = (prevout: OutPoint, rest: Partial<TxInput> = {}): TxInput => ({
  prevout,
  script: Buffer.alloc(0),
  sequence: 0xffffffff,
  witness: [],
  ...rest,
});

export const pointOf = (n: number): OutPoint => ({ hash: Buffer.alloc(32, n), index: n });

export const transactionOf = (rest: Partial<Transaction> = {}): Transaction => ({
  version: 2,
  inputs: [inputOf(pointOf(1))],
  outputs: [{ value: 1000, script: anyoneCanSpend }],
  lockTime: 0,
  ...rest,
});

export const coinbaseOf = (height: number, rest: Partial<Transaction> = {}): Transaction =>
  transactionOf({
    inputs: [
      inputOf(
        { hash: zeroHash, index: 0xffffffff },
        { script: Buffer.concat([pushNumber(height), Buffer.from([0x51])]) },
      ),
    ],
    outputs: [{ value: blockSubsidy(regtest, height), script: anyoneCanSpend }],
    ...rest,
  });

/** A coinbase with the commitment to the witnesses of `others`. */
export function committingCoinbase(height: number, others: readonly Transaction[]): Transaction {
  const plain = coinbaseOf(height);
  const [input] = plain.inputs as [TxInput];
  const script = witnessCommitmentScript(witnessCommitment([plain, ...others]));
  return {
    ...plain,
    inputs: [{ ...input, witness: [zeroHash] }],
    outputs: [...plain.outputs, { value: 0, script }],
  };
}

/** A header with its proof of work: two hashes on average. */
export function solved(header: BlockHeader): BlockHeader {
  for (let nonce = 0; ; nonce++) {
    const tried = { ...header, nonce };
    if (meetsTarget(blockHash(tried), header.bits, regtest.powLimitBits)) return tried;
  }
}

/** A block on `parent`: of these transactions, or of a coinbase and these others. */
export function blockOn(
  parent: ChainNode,
  transactions: readonly Transaction[] | { readonly others: readonly Transaction[] } = { others: [] },
  rest: Partial<BlockHeader> = {},
): Block {
  const all = "others" in transactions ? withCoinbase(parent.height + 1, transactions.others) : transactions;
  const header = {
    version: 4,
    previous: regtest.genesisHash,
    merkleRoot: txMerkleRoot(all).root,
    time: parent.time + 600,
    bits: regtest.powLimitBits,
    nonce: 0,
    ...rest,
  };
  return { header: solved(header), transactions: all };
}

const withCoinbase = (height: number, others: readonly Transaction[]): Transaction[] => [
  others.some(hasWitness) ? committingCoinbase(height, others) : coinbaseOf(height),
  ...others,
];
