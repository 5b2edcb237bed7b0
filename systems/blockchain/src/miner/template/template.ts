/** Blocks to be mined: everything about them is decided but the nonce, and whom they pay. */
import type { ChainView } from "../../chain/types.ts";
import { nextBits } from "../../consensus/difficulty.ts";
import { maxBlockSigOpCost, maxBlockWeight } from "../../consensus/limits.ts";
import { blockSubsidy } from "../../consensus/subsidy.ts";
import type { Mempool } from "../../mempool/types.ts";
import type { Block } from "../../primitives/block.ts";
import { zeroHash } from "../../primitives/hash.ts";
import { witnessCommitment, witnessCommitmentScript } from "../../primitives/merkle.ts";
import { type Transaction, txid } from "../../primitives/transaction.ts";
import { pushNumber, pushOf } from "../../script/parse.ts";
import type { BlockTemplate } from "../types.ts";
import { merkleBranch, rootOver } from "./merkle-branch.ts";
import { selectTransactions } from "./select.ts";

/** Kept free for header and coinbase, whatever script it pays. */
const RESERVED_WEIGHT = 8_000;
const RESERVED_SIGOPS = 400;
const VERSION = 0x2000_0000;
const EXTRA_NONCE_BYTES = 8;

export interface TemplateParts {
  readonly chain: ChainView;
  /** Undefined: a block without transactions. */
  readonly pool: Mempool | undefined;
  readonly nowSeconds: number;
}

export function createTemplate({ chain, pool, nowSeconds }: TemplateParts): BlockTemplate {
  const room = { weight: maxBlockWeight - RESERVED_WEIGHT, sigopCost: maxBlockSigOpCost - RESERVED_SIGOPS };
  const none = { entries: [], fees: 0, weight: 0, sigopCost: 0 };
  const selection = pool ? selectTransactions(pool, room) : none;
  const { tip, network } = chain;
  const height = tip.height + 1;
  const coinbaseValue = blockSubsidy(network, height) + selection.fees;
  const transactions = selection.entries.map(({ tx }) => tx);
  const body = createBody({ height, coinbaseValue, transactions });
  const minTime = chain.medianTimePast(tip) + 1;
  const time = Math.max(minTime, nowSeconds);
  const header = { version: VERSION, previous: tip.hash, time, bits: nextBits(network, tip), nonce: 0 };
  return {
    ...header,
    ...selection,
    height,
    minTime,
    coinbaseValue,
    weight: selection.weight + RESERVED_WEIGHT,
    commitmentScript: body.commitmentScript,
    coinbase: body.coinbase,
    block: (script, extraNonce) => withHeader(header, body.of(script, extraNonce)),
  };
}

interface Content {
  readonly merkleRoot: Buffer;
  readonly transactions: readonly Transaction[];
}

const withHeader = (header: Omit<Block["header"], "merkleRoot">, { merkleRoot, transactions }: Content): Block => ({
  header: { ...header, merkleRoot },
  transactions,
});

export interface BodyParts {
  readonly height: number;
  readonly coinbaseValue: number;
  readonly transactions: readonly Transaction[];
}

/** The transactions of a block, and coinbases for it. */
export function createBody({ height, coinbaseValue, transactions }: BodyParts) {
  // The coinbase counts as zero in the commitment that it holds, so any stands for it.
  const any = coinbaseOf(height, [], 0);
  const commitmentScript = witnessCommitmentScript(witnessCommitment([any, ...transactions]));
  const branch = merkleBranch(transactions.map(txid));
  const coinbase = (script: Buffer, extraNonce: number): Transaction =>
    coinbaseOf(
      height,
      [
        { value: coinbaseValue, script },
        { value: 0, script: commitmentScript },
      ],
      extraNonce,
    );
  const of = (script: Buffer, extraNonce: number): Content => {
    const first = coinbase(script, extraNonce);
    return { merkleRoot: rootOver(txid(first), branch), transactions: [first, ...transactions] };
  };
  return { commitmentScript, coinbase, of };
}

function coinbaseOf(height: number, outputs: Transaction["outputs"], extraNonce: number): Transaction {
  const extra = Buffer.alloc(EXTRA_NONCE_BYTES);
  extra.writeBigUInt64LE(BigInt(extraNonce));
  const script = Buffer.concat([pushNumber(height), pushOf(extra)]);
  const prevout = { hash: zeroHash, index: 0xffff_ffff };
  return {
    version: 2,
    inputs: [{ prevout, script, sequence: 0xffff_ffff, witness: [zeroHash] }],
    outputs,
    lockTime: 0,
  };
}
