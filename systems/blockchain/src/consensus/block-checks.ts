/**
 * What can be said of a block without coins. The order matters: whatever could be wrong with an altered copy of a valid block (its
 * transactions, its witnesses) is looked at before what only the block itself can be guilty of.
 */
import { type Block, blockBaseSize, blockWeight } from "../primitives/block.ts";
import { sha256d } from "../primitives/hash.ts";
import { committedWitness, txMerkleRoot, witnessMerkleRoot } from "../primitives/merkle.ts";
import { hasWitness, isCoinbase, type Transaction } from "../primitives/transaction.ts";
import { pushNumber } from "../script/parse.ts";
import { legacySigOps } from "../script/sigops.ts";
import { type ChainNode, medianTimePast } from "./difficulty.ts";
import { maxBlockSigOpCost, maxBlockWeight, witnessScaleFactor } from "./limits.ts";
import { isFinal } from "./locks.ts";
import { type Rejection, rejection } from "./rejection.ts";
import { checkTransaction } from "./transaction-checks.ts";

/** Checks that need nothing but the block; not its proof of work. */
export function checkBlock(block: Block): Rejection | undefined {
  return checkMerkleRoot(block) ?? checkSize(block) ?? checkCoinbase(block) ?? checkTransactions(block);
}

function checkMerkleRoot({ header, transactions }: Block): Rejection | undefined {
  const { root, mutated } = txMerkleRoot(transactions);
  if (!root.equals(header.merkleRoot)) return rejection("bad-txnmrklroot", "merkle root mismatch", "mutated");
  return mutated ? rejection("bad-txns-duplicate", "duplicate transaction", "mutated") : undefined;
}

function checkSize(block: Block): Rejection | undefined {
  const count = block.transactions.length;
  const isFine =
    count > 0 &&
    count * witnessScaleFactor <= maxBlockWeight &&
    blockBaseSize(block) * witnessScaleFactor <= maxBlockWeight;
  return isFine ? undefined : rejection("bad-blk-length", "no transactions or too many bytes");
}

function checkCoinbase({ transactions }: Block): Rejection | undefined {
  const [first, ...others] = transactions;
  if (first === undefined || !isCoinbase(first)) return rejection("bad-cb-missing", "first transaction is no coinbase");
  return others.some(isCoinbase) ? rejection("bad-cb-multiple", "more than one coinbase") : undefined;
}

function checkTransactions({ transactions }: Block): Rejection | undefined {
  let sigOps = 0;
  for (const tx of transactions) {
    const wrong = checkTransaction(tx);
    if (wrong !== undefined) return wrong;
    sigOps += legacySigOps(tx);
  }
  return sigOps * witnessScaleFactor > maxBlockSigOpCost ? rejection("bad-blk-sigops") : undefined;
}

/** Checks that need the ancestors: lock times, the height in the coinbase, the commitment to witnesses, the weight. */
export function checkBlockOn(block: Block, parent: ChainNode): Rejection | undefined {
  const height = parent.height + 1;
  const medianTime = medianTimePast(parent);
  if (!block.transactions.every((tx) => isFinal(tx, height, medianTime))) {
    return rejection("bad-txns-nonfinal", "a transaction's lock time is not over");
  }
  return checkHeight(block, height) ?? checkWitness(block) ?? checkWeight(block);
}

/** BIP 34: what makes every coinbase, and so its id, different. */
function checkHeight({ transactions }: Block, height: number): Rejection | undefined {
  const script = transactions[0]?.inputs[0]?.script;
  const expected = pushNumber(height);
  return script?.subarray(0, expected.length).equals(expected)
    ? undefined
    : rejection("bad-cb-height", "the coinbase does not begin with the block's height");
}

/** BIP 141. Witnesses are no part of the block's hash: whatever is wrong with them may be the sender's doing. */
function checkWitness(block: Block): Rejection | undefined {
  const committed = committedWitness(block);
  if (committed === undefined) {
    return block.transactions.some(hasWitness)
      ? rejection("unexpected-witness", "a witness without a commitment", "mutated")
      : undefined;
  }
  const stack = (block.transactions[0] as Transaction).inputs[0]?.witness ?? [];
  const [reserved] = stack;
  if (stack.length !== 1 || reserved?.length !== 32) {
    return rejection("bad-witness-nonce-size", "the reserved value is not 32 bytes", "mutated");
  }
  const actual = sha256d(Buffer.concat([witnessMerkleRoot(block.transactions), reserved]));
  return actual.equals(committed)
    ? undefined
    : rejection("bad-witness-merkle-match", "witnesses differ from those committed to", "mutated");
}

/** After the commitment: before, the weight could have been added to by anyone. */
const checkWeight = (block: Block): Rejection | undefined =>
  blockWeight(block) > maxBlockWeight ? rejection("bad-blk-weight") : undefined;
