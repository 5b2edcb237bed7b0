import type { Coin } from "../../chain/types.ts";
import { hashKey } from "../../primitives/hash.ts";
import { type Transaction, totalSize, txid, txWeight, wtxid } from "../../primitives/transaction.ts";
import type { MempoolEntry, Relatives } from "../types.ts";

/** What an entry takes in memory beside the bytes of its transaction: objects, sets, places in maps and heaps. Measured, rounded up. */
const ENTRY_OVERHEAD_BYTES = 2_000;
const INPUT_OVERHEAD_BYTES = 500;
const OUTPUT_OVERHEAD_BYTES = 200;

/** BIP 125: an input with a sequence below this says that the transaction may be replaced. */
const REPLACEABLE_BELOW = 0xffff_fffe;
const BYTES_PER_SIGOP = 20;

export interface Facts {
  readonly tx: Transaction;
  readonly coins: readonly Coin[];
  readonly fee: number;
  readonly sigopCost: number;
  readonly time: number;
  readonly height: number;
}

export type MutableRelatives = { -readonly [K in keyof Relatives]: Relatives[K] };

/** Size by which fees are set: one that is all signature checks counts for more than its bytes. */
export const virtualSize = (tx: Transaction, sigopCost: number): number =>
  Math.ceil(Math.max(txWeight(tx), sigopCost * BYTES_PER_SIGOP) / 4);

/** Only the graph changes one. */
export class PoolEntry implements MempoolEntry {
  readonly tx: Transaction;
  readonly txid: Buffer;
  readonly wtxid: Buffer;
  readonly key: string;
  readonly fee: number;
  readonly vsize: number;
  readonly weight: number;
  readonly sigopCost: number;
  readonly time: number;
  readonly height: number;
  readonly coins: readonly Coin[];
  readonly parents = new Set<PoolEntry>();
  readonly children = new Set<PoolEntry>();
  readonly ancestors: MutableRelatives;
  readonly descendants: MutableRelatives;
  /** Whether what holds today may not hold on another tip: it spends a coinbase or has a lock time. */
  readonly isDelicate: boolean;
  readonly #signals: boolean;
  feeDelta = 0;

  constructor({ tx, coins, fee, sigopCost, time, height }: Facts) {
    this.tx = tx;
    this.txid = txid(tx);
    this.wtxid = wtxid(tx);
    this.key = hashKey(this.txid);
    this.fee = fee;
    this.weight = txWeight(tx);
    this.vsize = virtualSize(tx, sigopCost);
    this.sigopCost = sigopCost;
    this.time = time;
    this.height = height;
    this.coins = coins;
    const own = { count: 1, vsize: this.vsize, fees: fee, sigopCost };
    this.ancestors = { ...own };
    this.descendants = { ...own };
    this.#signals = tx.inputs.some(({ sequence }) => sequence < REPLACEABLE_BELOW);
    this.isDelicate =
      tx.lockTime !== 0 ||
      coins.some((coin) => coin.isCoinbase) ||
      tx.inputs.some(({ sequence }) => sequence >>> 31 === 0);
  }

  get modifiedFee(): number {
    return this.fee + this.feeDelta;
  }

  get isReplaceable(): boolean {
    if (this.#signals) return true;
    for (const parent of this.parents) if (parent.isReplaceable) return true;
    return false;
  }

  get usageBytes(): number {
    const { inputs, outputs } = this.tx;
    return (
      ENTRY_OVERHEAD_BYTES +
      totalSize(this.tx) +
      inputs.length * INPUT_OVERHEAD_BYTES +
      outputs.length * OUTPUT_OVERHEAD_BYTES
    );
  }
}

/** Compares fees per size without dividing: products stay below 2^53 for all fees and sizes there can be in practice, ranks need no more. */
const isHigherRate = (feeA: number, sizeA: number, feeB: number, sizeB: number): number => feeA * sizeB - feeB * sizeA;

/** What a miner gets per byte who takes the entry with all that it needs, or the entry itself where that is less. */
export function byAncestorRate(a: PoolEntry, b: PoolEntry): boolean {
  const [x, y] = [minedRate(a), minedRate(b)];
  const difference = isHigherRate(x.fees, x.vsize, y.fees, y.vsize);
  return difference > 0 || (difference === 0 && a.key < b.key);
}

function minedRate(entry: PoolEntry): { readonly fees: number; readonly vsize: number } {
  const own = { fees: entry.modifiedFee, vsize: entry.vsize };
  return isHigherRate(own.fees, own.vsize, entry.ancestors.fees, entry.ancestors.vsize) < 0 ? own : entry.ancestors;
}

/** What is worth least first: the entry with all that depends on it, or alone where that is worth more. */
export function byWorth(a: PoolEntry, b: PoolEntry): boolean {
  const [x, y] = [worth(a), worth(b)];
  const difference = isHigherRate(x.fees, x.vsize, y.fees, y.vsize);
  return difference < 0 || (difference === 0 && a.time > b.time);
}

function worth(entry: PoolEntry): { readonly fees: number; readonly vsize: number } {
  const own = { fees: entry.modifiedFee, vsize: entry.vsize };
  return isHigherRate(own.fees, own.vsize, entry.descendants.fees, entry.descendants.vsize) > 0
    ? own
    : entry.descendants;
}
