/** Blocks as BIP 152 (version 2) sends them: transactions that the receiver most likely has by six bytes of a hash of their wtxids. */
import { type Block, type BlockHeader, encodeHeader } from "../../primitives/block.ts";
import { sha256 } from "../../primitives/hash.ts";
import { type Transaction, wtxid } from "../../primitives/transaction.ts";
import type { CompactBlockBody } from "../wire/types.ts";
import { siphash48 } from "./siphash.ts";

export const COMPACT_VERSION = 2n;
/** Places are 16-bit numbers. */
export const MOST_TRANSACTIONS = 0xffff;
/** How far below the tip a block is still sent so, and its transactions one by one: deeper ones nobody has in the mempool. */
export const COMPACT_DEPTH = 5;
export const TRANSACTIONS_DEPTH = 10;

/** The short id of a wtxid within one compact block: another nonce, another id, so that nobody can make ids collide beforehand. */
export function shortIds(header: BlockHeader, nonce: bigint): (wtxid: Buffer) => number {
  const salt = Buffer.alloc(8);
  salt.writeBigUInt64LE(nonce);
  return siphash48(sha256(Buffer.concat([encodeHeader(header), salt])));
}

/** The coinbase goes along whole: nobody can have it. Undefined for a block without transactions or with too many. */
export function compactBlock({ header, transactions }: Block, nonce: bigint): CompactBlockBody | undefined {
  const [coinbase, ...others] = transactions;
  if (coinbase === undefined || transactions.length > MOST_TRANSACTIONS) return undefined;
  const idOf = shortIds(header, nonce);
  return {
    header,
    nonce,
    shortIds: others.map((tx) => idOf(wtxid(tx))),
    prefilled: [{ index: 0, transaction: coinbase }],
  };
}

export type PoolTransaction = { readonly tx: Transaction; readonly wtxid: Buffer };

/**
 * A block being put together. What the mempool has under a short id may be another transaction that happens to share it; the merkle root
 * tells in the end.
 */
export class Reconstruction {
  readonly header: BlockHeader;
  readonly #transactions: (Transaction | undefined)[];

  private constructor(header: BlockHeader, transactions: (Transaction | undefined)[]) {
    this.header = header;
    this.#transactions = transactions;
  }

  /** `malformed`: no honest peer sends this. `ambiguous`: two of the block's ids are the same, so it has to be fetched whole. */
  static begin(body: CompactBlockBody, pool: Iterable<PoolTransaction>): Reconstruction | "malformed" | "ambiguous" {
    const places = placesOf(body);
    if (places === undefined) return "malformed";
    if (places.byId.size < body.shortIds.length) return "ambiguous";
    const { transactions, byId } = places;
    const idOf = shortIds(body.header, body.nonce);
    const disputed = new Set<number>();
    for (const { tx, wtxid: id } of byId.size > 0 ? pool : []) {
      const place = byId.get(idOf(id));
      if (place === undefined) continue;
      if (transactions[place] !== undefined) disputed.add(place);
      transactions[place] = tx;
    }
    for (const place of disputed) transactions[place] = undefined;
    return new Reconstruction(body.header, transactions);
  }

  /** Places of what has to be asked for. */
  get missing(): readonly number[] {
    return [...this.#transactions.keys()].filter((place) => this.#transactions[place] === undefined);
  }

  /** The block, with what was missing in the order of `missing`; undefined if that is not as many as were. */
  complete(rest: readonly Transaction[] = []): Block | undefined {
    const { missing } = this;
    if (rest.length !== missing.length) return undefined;
    const transactions = [...this.#transactions] as Transaction[];
    for (const [i, place] of missing.entries()) transactions[place] = rest[i] as Transaction;
    return { header: this.header, transactions };
  }
}

interface Places {
  /** With those that came along in their places. */
  readonly transactions: (Transaction | undefined)[];
  /** Where the transaction of a short id belongs. */
  readonly byId: ReadonlyMap<number, number>;
}

function placesOf({ shortIds: ids, prefilled }: CompactBlockBody): Places | undefined {
  const count = ids.length + prefilled.length;
  if (count === 0 || count > MOST_TRANSACTIONS || prefilled.some(({ index }) => index >= count)) return undefined;
  const transactions = new Array<Transaction | undefined>(count).fill(undefined);
  for (const { index, transaction } of prefilled) transactions[index] = transaction;
  const byId = new Map<number, number>();
  let next = 0;
  for (const id of ids) {
    while (transactions[next] !== undefined) next++;
    byId.set(id, next++);
  }
  return { transactions, byId };
}
