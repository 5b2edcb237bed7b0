/** Valid regtest blocks on any parent. */
import type { Chain, ChainEntry } from "../../../src/chain/types.ts";
import { meetsTarget } from "../../../src/consensus/target.ts";
import { type Block, type BlockHeader, blockHash } from "../../../src/primitives/block.ts";
import { zeroHash } from "../../../src/primitives/hash.ts";
import { txMerkleRoot } from "../../../src/primitives/merkle.ts";
import type { Transaction } from "../../../src/primitives/transaction.ts";
import { pushNumber } from "../../../src/script/parse.ts";

let unique = 0;

/** Anybody may spend it. */
export const OPEN_SCRIPT = Buffer.from([0x51]);

export function coinbase(height: number, value = 50e8 / 2 ** Math.floor(height / 150)): Transaction {
  const extra = Buffer.alloc(5, 4);
  extra.writeUInt32LE(++unique, 1);
  return {
    version: 2,
    inputs: [
      {
        prevout: { hash: zeroHash, index: 0xffffffff },
        script: Buffer.concat([pushNumber(height), extra]),
        sequence: 0xffffffff,
        witness: [],
      },
    ],
    outputs: [{ value, script: OPEN_SCRIPT }],
    lockTime: 0,
  };
}

export function solve(header: BlockHeader): BlockHeader {
  for (let nonce = 0; ; nonce++) {
    const solved = { ...header, nonce };
    if (meetsTarget(blockHash(solved), header.bits, 0x207fffff)) return solved;
  }
}

export interface Parent {
  readonly hash: Buffer;
  readonly height: number;
  readonly time: number;
}

export function makeBlock(parent: Parent, transactions: readonly Transaction[] = [], value?: number): Block {
  const all = [coinbase(parent.height + 1, value), ...transactions];
  const header = solve({
    version: 0x20000000,
    previous: parent.hash,
    merkleRoot: txMerkleRoot(all).root,
    time: parent.time + 1,
    bits: 0x207fffff,
    nonce: 0,
  });
  return { header, transactions: all };
}

export const parentOf = (block: Block, height: number): Parent => ({
  hash: blockHash(block.header),
  height,
  time: block.header.time,
});

export function makeLine(from: Parent, length: number): Block[] {
  const line: Block[] = [];
  let parent = from;
  for (let i = 0; i < length; i++) {
    const block = makeBlock(parent);
    line.push(block);
    parent = parentOf(block, parent.height + 1);
  }
  return line;
}

/** Makes blocks on the tip and adds them. */
export async function extend(chain: Chain, count: number): Promise<ChainEntry> {
  for (const block of makeLine(chain.tip, count)) {
    const result = await chain.addBlock(block);
    if (!result.ok) throw new Error(`${result.reason} ${result.detail}`);
  }
  return chain.tip;
}
