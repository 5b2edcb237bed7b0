/**
 * The newest entries in memory. Invariant: it covers everything after `applied`, so that applying never waits for the disk; beyond that it keeps up to
 * `maxBytes` for replicas that are a little behind.
 */
import type { Entry } from "../types.ts";
import { type Block, collectEntries, headOf, sliceBlock } from "./entries.ts";

export class EntryCache {
  readonly #maxBytes: number;
  #blocks: Block[] = [];
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** First entry held; Infinity when empty. */
  get first(): number {
    return this.#blocks[0]?.first ?? Infinity;
  }

  push(block: Block): void {
    this.#blocks.push(block);
    this.#bytes += block.bytes.length;
  }

  truncateAfter(index: number): void {
    while (this.#blocks.length > 0) {
      const block = this.#blocks.at(-1) as Block;
      if (block.first + block.count - 1 <= index) return;
      this.#blocks.pop();
      this.#bytes -= block.bytes.length;
      if (block.first <= index) this.push(sliceBlock(block, block.first, index));
    }
  }

  clear(): void {
    this.#blocks = [];
    this.#bytes = 0;
  }

  /** Drops the oldest blocks that are applied, down to the bound. */
  trim(applied: number): void {
    let dropped = 0;
    while (this.#bytes > this.#maxBytes && dropped < this.#blocks.length) {
      const block = this.#blocks[dropped] as Block;
      if (block.first + block.count - 1 > applied) break;
      this.#bytes -= block.bytes.length;
      dropped++;
    }
    if (dropped > 0) this.#blocks.splice(0, dropped);
  }

  entries(from: number, to: number): Entry[] {
    const entries: Entry[] = [];
    for (let i = this.#find(from); i < this.#blocks.length; i++) {
      const block = this.#blocks[i] as Block;
      if (block.first > to) break;
      collectEntries(block, from, to, entries);
    }
    return entries;
  }

  /** Blocks from `from` to `to`, of no more than `maxBytes` together, at least one entry. Undefined when `from` is not held. */
  blocks(from: number, to: number, maxBytes: number): Block[] | undefined {
    if (from < this.first) return undefined;
    const found: Block[] = [];
    let bytes = 0;
    for (let i = this.#find(from); i < this.#blocks.length; i++) {
      const block = this.#blocks[i] as Block;
      if (block.first > to || (bytes > 0 && bytes + block.bytes.length > maxBytes)) break;
      const part = headOf(sliceBlock(block, from, to), maxBytes);
      found.push(part);
      bytes += part.bytes.length;
      if (part.first + part.count < block.first + block.count) break;
    }
    return found;
  }

  /** Number of the block that holds `index`, or of the first after it. */
  #find(index: number): number {
    let low = 0;
    let high = this.#blocks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const block = this.#blocks[middle] as Block;
      if (block.first + block.count <= index) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
