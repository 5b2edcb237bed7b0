/** Blocks on demand: for tests and for starting a network, where one waits for the block rather than for its turn. */
import type { Chain, Coin } from "../chain/types.ts";
import { targetOf, workOf } from "../consensus/target.ts";
import { BlockchainError } from "../errors.ts";
import { type Block, blockHash, encodeHeader } from "../primitives/block.ts";
import { outPointKey, type Transaction, txid } from "../primitives/transaction.ts";
import { createScanner, type Scanner } from "./hash/scanner.ts";
import type { Hashers } from "./threads/hashers.ts";

export interface FindOptions {
  readonly blockOf: (extraNonce: number) => Block;
  readonly maxHashes: number;
  readonly signal: AbortSignal;
}

/** Up to so many hashes on average are not worth waking a thread: a few milliseconds. */
const EASY_WORK = 30_000n;
const SLICE = 4096;

/** Finds nonces: easy ones here, a slice at a time, hard ones on threads at full speed. Returns how many hashes it took as well. */
export class NonceFinder {
  readonly #hashers: Hashers;
  readonly #scanner: Scanner = createScanner();
  /** Never the same twice: a block that was invalidated by hand would else be found again. */
  #extraNonce: number;

  /** `firstExtraNonce` is above all that were used before, as a time is. */
  constructor(hashers: Hashers, firstExtraNonce: number) {
    this.#hashers = hashers;
    this.#extraNonce = firstExtraNonce;
  }

  async find({
    blockOf,
    maxHashes,
    signal,
  }: FindOptions): Promise<{ readonly block: Block | undefined; readonly hashes: number }> {
    const next = (): Block => blockOf(this.#extraNonce++);
    const first = next();
    if (workOf(first.header.bits) <= EASY_WORK) return this.#findHere(first, maxHashes, signal);
    const before = this.#hashers.hashes;
    const block = await this.#hashers.search({ next, cpuShare: 1, signal, maxHashes });
    return { block, hashes: this.#hashers.hashes - before };
  }

  async #findHere(block: Block, maxHashes: number, signal: AbortSignal) {
    const target = Buffer.from((targetOf(block.header.bits) as bigint).toString(16).padStart(64, "0"), "hex");
    this.#scanner.load(encodeHeader(block.header), target);
    for (let start = 0; start < maxHashes && !signal.aborted; start += SLICE) {
      const count = Math.min(SLICE, maxHashes - start);
      const nonce = this.#scanner.scan(start, count);
      if (nonce !== undefined) {
        return { block: { ...block, header: { ...block.header, nonce } }, hashes: nonce + 1 };
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    return { block: undefined, hashes: maxHashes };
  }
}

/** Gives a mined block to the chain; throws what the chain has against it. */
export async function submit(chain: Chain, block: Block): Promise<Buffer> {
  const result = await chain.addBlock(block);
  if (!result.ok)
    throw new BlockchainError(result.reason, `The chain refused the block: ${result.reason} ${result.detail}`);
  return blockHash(block.header);
}

/** Fees of a list of transactions that a block is to hold; what spends the unknown is left for the chain to refuse. */
export function feesOf(
  transactions: readonly Transaction[],
  coin: (outpoint: { hash: Buffer; index: number }) => Coin | undefined,
): number {
  const made = new Map<string, number>();
  let fees = 0;
  for (const tx of transactions) {
    for (const { prevout } of tx.inputs) fees += made.get(outPointKey(prevout)) ?? coin(prevout)?.value ?? 0;
    const hash = txid(tx);
    for (const [index, { value }] of tx.outputs.entries()) {
      fees -= value;
      made.set(outPointKey({ hash, index }), value);
    }
  }
  return Math.max(0, fees);
}
