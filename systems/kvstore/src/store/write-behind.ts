/**
 * Brings applied changes from memory into the tree, many in one transaction: a transaction costs LMDB about a quarter of a millisecond
 * however small it is. Position, time and changes go together, so the tree always holds the state at exactly one entry; after a
 * crash the log, in which every entry was durable before it was applied, brings the rest again.
 *
 * Bounds. A write is due `delayMs` after the first change, and at once when the changes reach `WRITE_COUNT` or `WRITE_BYTES`. While the disk is
 * full they stay in memory: the server refuses new writes then, and beyond `LIMIT_BYTES` (entries that others had accepted) the member
 * gives up rather than grow.
 */
import type { Position } from "@coracle/lease-log";
import { KvStoreError } from "../errors.ts";
import { writePosition, writeTime } from "./facts.ts";
import type { Overlay } from "./overlay.ts";
import type { Tree } from "./tree.ts";
import type { TreeKeyspace } from "./tree-keyspace.ts";

const WRITE_COUNT = 4096;
const WRITE_BYTES = 4 * 1024 * 1024;
const LIMIT_BYTES = 64 * 1024 * 1024;
/** How long a full disk is left alone before the next attempt. */
const RETRY_MS = 250;

export class WriteBehind {
  readonly #tree: Tree;
  readonly #under: TreeKeyspace;
  readonly #overlay: Overlay;
  readonly #delayMs: number;
  #timer: NodeJS.Timeout | undefined;
  #position: Position | undefined;
  #timeMs = 0;
  #problem: KvStoreError | undefined;
  #retryAt = 0;
  #isBroken = false;

  constructor(tree: Tree, under: TreeKeyspace, overlay: Overlay, delayMs: number) {
    this.#tree = tree;
    this.#under = under;
    this.#overlay = overlay;
    this.#delayMs = delayMs;
  }

  /** Why the last write failed, until one succeeds. */
  get problem(): KvStoreError | undefined {
    return this.#problem;
  }

  /** The overlay is at this entry now. Throws what the disk says when the changes can be kept in memory no longer. */
  advance(position: Position, timeMs: number): void {
    this.#position = position;
    this.#timeMs = timeMs;
    const { count, sizeBytes } = this.#overlay;
    if (count >= WRITE_COUNT || sizeBytes >= WRITE_BYTES) this.#attempt();
    if (this.#problem && (this.#problem.code !== "disk-full" || sizeBytes >= LIMIT_BYTES)) throw this.#problem;
    this.#schedule();
  }

  /** Writes what there is. Throws `disk-full` or `damaged`; the changes stay in memory then. */
  write(): void {
    this.#cancel();
    const position = this.#position;
    if (!position || this.#isBroken) return;
    try {
      this.#tree.transact(() => {
        this.#writeChanges();
        writePosition(this.#tree.facts, position);
        writeTime(this.#tree.facts, this.#timeMs);
      });
    } catch (error) {
      this.#under.recount();
      throw error;
    }
    this.#overlay.reset();
    this.#position = undefined;
    this.#problem = undefined;
  }

  /** Forgets what was not written: it is being replaced, or (`isBroken`) half an entry may be in it, and it must never be written. */
  discard(isBroken = false): void {
    this.#cancel();
    this.#isBroken ||= isBroken;
    this.#position = undefined;
    if (!isBroken) this.#overlay.reset();
  }

  #writeChanges(): void {
    if (this.#overlay.hidesTree) this.#under.clear();
    // In key order neighbours share the tree's pages.
    for (const { key, stored } of this.#overlay.within()) {
      if (stored) this.#under.put(key, stored);
      else this.#under.remove(key);
    }
  }

  #attempt(): void {
    if (this.#problem && performance.now() < this.#retryAt) return;
    try {
      this.write();
    } catch (error) {
      if (!(error instanceof KvStoreError)) throw error;
      this.#problem = error;
      this.#retryAt = performance.now() + RETRY_MS;
    }
  }

  #schedule(): void {
    if (this.#timer || !this.#position || this.#isBroken) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#attempt();
        this.#schedule();
      },
      this.#problem ? RETRY_MS : this.#delayMs,
    );
    this.#timer.unref();
  }

  #cancel(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
