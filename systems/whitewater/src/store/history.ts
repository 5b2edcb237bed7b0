/**
 * All revisions that are kept, in order: what watches that start in the past read, and what a snapshot copies. Blocks are appended to, and replaced
 * rather than changed when the past is reclaimed, so that a reader goes on undisturbed.
 */
import type { Steps } from "./steps.ts";
import type { KeyVersion } from "./version.ts";

const blockLength = 1024;
/** Values read at once for a watch that catches up. */
const mostBytes = 4 * 1024 * 1024;
/** A block that lost this share of its revisions has its values moved together. */
const sparse = 3 / 4;

export type Block = readonly KeyVersion[];

export class History {
  private blocks: KeyVersion[][] = [];

  push(version: KeyVersion): void {
    const last = this.blocks.at(-1);
    if (last === undefined || last.length >= blockLength) this.blocks.push([version]);
    else last.push(version);
  }

  /** The blocks as they are; only the last one may still grow. */
  capture(): readonly Block[] {
    return this.blocks.slice();
  }

  /** Revisions from `revision` to `last`, at most `limit` of them or 4 MiB, and more only to end with a whole revision; all there are when `isWhole`. */
  from(revision: number, last: number, limit: number): { found: KeyVersion[]; isWhole: boolean } {
    const found: KeyVersion[] = [];
    let size = 0;
    for (let at = this.blockOf(revision); at < this.blocks.length; at++) {
      for (const version of this.blocks[at]!) {
        if (version.modRevision < revision) continue;
        if (version.modRevision > last) return { found, isWhole: true };
        const isFull = found.length >= limit || size > mostBytes;
        if (isFull && found.at(-1)!.modRevision !== version.modRevision) return { found, isWhole: false };
        found.push(version);
        size += version.sizeBytes;
      }
    }
    return { found, isWhole: true };
  }

  /**
   * Drops what is dead at `compactRevision` from one block after the other; each step is one block's work. `dropped` is told of each,
   * `moved` of survivors whose values should be copied together.
   */
  *reclaim(
    compactRevision: number,
    dropped: (version: KeyVersion) => void,
    moved: (version: KeyVersion) => void,
  ): Steps<void> {
    for (let at = 0; at < this.blocks.length; at++) {
      const block = this.blocks[at]!;
      if (block[0]!.modRevision > compactRevision) return;
      const kept = block.filter((version) => !version.isDeadAt(compactRevision));
      if (kept.length < block.length) {
        for (const version of block) if (version.isDeadAt(compactRevision)) dropped(version);
        if (kept.length < block.length * sparse) for (const version of kept) moved(version);
        at = this.replace(at, kept);
      }
      yield block.length;
    }
  }

  /** Joins what is left to the block before where both fit in one. Returns the place of the last block that is done. */
  private replace(at: number, kept: KeyVersion[]): number {
    const before = this.blocks[at - 1];
    if (kept.length > 0 && (before === undefined || before.length + kept.length > blockLength)) {
      this.blocks[at] = kept;
      return at;
    }
    if (kept.length > 0 && before !== undefined) this.blocks[at - 1] = [...before, ...kept];
    this.blocks.splice(at, 1);
    return at - 1;
  }

  /** The last block that begins before `revision`: a revision's changes may lie on both sides of a seam. */
  private blockOf(revision: number): number {
    let low = 0;
    let high = this.blocks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.blocks[middle]![0]!.modRevision < revision) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }
}
