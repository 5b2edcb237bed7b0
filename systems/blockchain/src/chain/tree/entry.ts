import { workOf } from "../../consensus/target.ts";
import { type BlockHeader, blockHash } from "../../primitives/block.ts";
import { hashFromKey, hashKey } from "../../primitives/hash.ts";
import type { ChainEntry } from "../types.ts";

/** The lowest bit that is set, cleared. */
const withoutLowestBit = (n: number): number => n & (n - 1);

/** Where an entry's second pointer leads: with these, any ancestor is some log2(height) * 2 steps away (Bitcoin Core's skip list). */
const skipHeight = (height: number): number =>
  height < 2 ? 0 : height & 1 ? withoutLowestBit(withoutLowestBit(height - 1)) + 1 : withoutLowestBit(height);

/**
 * A header in memory. What is needed of every header is here, some 250 bytes; merkle root and nonce stay on disk. Only the tree and the chain
 * change one.
 */
export class Entry implements ChainEntry {
  readonly key: string;
  readonly height: number;
  readonly version: number;
  readonly time: number;
  readonly bits: number;
  readonly work: bigint;
  readonly parent: Entry | undefined;
  readonly #skip: Entry | undefined;
  hasBlock = false;
  transactionCount = 0;
  chainTransactionCount = 0;
  /** Found invalid itself. */
  isFailed = false;
  /** Itself or an ancestor. */
  isInvalid = false;
  /** Headers that name it as their parent. */
  childCount = 0;
  /** Order in which blocks became connectable here; of equal work the lowest wins. */
  arrival = Number.MAX_SAFE_INTEGER;

  constructor(header: BlockHeader, parent: Entry | undefined) {
    this.key = hashKey(blockHash(header));
    this.height = parent ? parent.height + 1 : 0;
    this.version = header.version;
    this.time = header.time;
    this.bits = header.bits;
    // Neighbours mostly share their target, and a division of big integers is the slowest thing here.
    const own = parent?.parent && parent.bits === header.bits ? parent.work - parent.parent.work : workOf(header.bits);
    this.work = (parent?.work ?? 0n) + own;
    this.parent = parent;
    this.#skip = parent?.ancestor(skipHeight(this.height));
    this.isInvalid = parent?.isInvalid ?? false;
  }

  /** A copy: a string takes a third of a buffer's memory. */
  get hash(): Buffer {
    return hashFromKey(this.key);
  }

  /** The ancestor (or itself) at a height that is not above its own. */
  ancestor(height: number): Entry | undefined {
    if (height < 0 || height > this.height) return undefined;
    let at: Entry = this;
    while (at.height > height) at = (at.#skipsWell(height) ? at.#skip : at.parent) as Entry;
    return at;
  }

  /** Not past the height, and not where one step down and then a skip would lead further. */
  #skipsWell(height: number): boolean {
    const skip = skipHeight(this.height);
    if (this.#skip === undefined || skip < height) return false;
    const next = skipHeight(this.height - 1);
    return skip === height || !(next < skip - 2 && next >= height);
  }
}

/** Whether `a` is to be preferred as tip: more work, or the same and here earlier. */
export const isBetter = (a: Entry, b: Entry): boolean =>
  a.work > b.work || (a.work === b.work && a.arrival < b.arrival);

/** The last entry that both branches share. */
export function forkOf(a: Entry, b: Entry): Entry {
  let low = 0;
  let high = Math.min(a.height, b.height);
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (a.ancestor(middle) === b.ancestor(middle)) low = middle;
    else high = middle - 1;
  }
  return a.ancestor(low) as Entry;
}
