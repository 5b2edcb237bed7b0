/** Merkle roots of blocks, of transaction ids and of witnesses. */
import type { Block } from "./block.ts";
import { sha256d, zeroHash } from "./hash.ts";
import { type Transaction, txid, wtxid } from "./transaction.ts";

export interface MerkleRoot {
  readonly root: Buffer;
  /**
   * Two equal hashes were joined at some level (CVE-2012-2459): another list of transactions has the same root, so the block must be
   * refused without remembering its hash as invalid.
   */
  readonly mutated: boolean;
}

const pair = Buffer.alloc(64);

function joined(level: readonly Buffer[], i: number): Buffer {
  const left = level[i] as Buffer;
  left.copy(pair);
  (level[i + 1] ?? left).copy(pair, 32);
  return sha256d(pair);
}

/** The root of a tree over hashes in internal byte order; zero for no leaves. */
export function merkleRoot(leaves: readonly Buffer[]): MerkleRoot {
  if (leaves.length === 0) return { root: zeroHash, mutated: false };
  let level = leaves;
  let mutated = false;
  while (level.length > 1) {
    const above: Buffer[] = [];
    for (let i = 0; i < level.length; i += 2) {
      if (level[i + 1]?.equals(level[i] as Buffer) === true) mutated = true;
      above.push(joined(level, i));
    }
    level = above;
  }
  return { root: level[0] as Buffer, mutated };
}

export const txMerkleRoot = (transactions: readonly Transaction[]): MerkleRoot => merkleRoot(transactions.map(txid));

/** BIP 141: the coinbase counts as zero, since it holds the commitment itself. */
export const witnessMerkleRoot = (transactions: readonly Transaction[]): Buffer =>
  merkleRoot(transactions.map((tx, i) => (i === 0 ? zeroHash : wtxid(tx)))).root;

const commitmentHeader = Buffer.from("6a24aa21a9ed", "hex");
const commitmentSize = 38;

/** Which output of the coinbase holds the witness commitment: the last that looks like one; -1 if none does. */
export const witnessCommitmentIndex = (coinbase: Transaction): number =>
  coinbase.outputs.findLastIndex(
    ({ script }) =>
      script.length >= commitmentSize && script.subarray(0, commitmentHeader.length).equals(commitmentHeader),
  );

/** The commitment of 32 bytes for a block whose coinbase has `reserved` (32 bytes, zero as a rule) as its witness. */
export const witnessCommitment = (transactions: readonly Transaction[], reserved: Buffer = zeroHash): Buffer =>
  sha256d(Buffer.concat([witnessMerkleRoot(transactions), reserved]));

/** The output script that carries a commitment. */
export const witnessCommitmentScript = (commitment: Buffer): Buffer => Buffer.concat([commitmentHeader, commitment]);

/** The commitment that a block's coinbase holds. */
export function committedWitness(block: Block): Buffer | undefined {
  const coinbase = block.transactions[0];
  if (coinbase === undefined) return undefined;
  const script = coinbase.outputs[witnessCommitmentIndex(coinbase)]?.script;
  return script?.subarray(commitmentHeader.length, commitmentSize);
}
