/**
 * Brings applied changes from memory into the tree, in generations: one is being written by a thread of its own while the next gathers. The more changes one
 * holds, the more of them share a page, and a page is written once for all of them; at random keys that decides what a change costs. Position, time and changes
 * of a generation go in one transaction, so the tree always holds the state at exactly one entry; after a crash the log, in which every entry was durable
 * before it was applied, brings the rest again.
 *
 * Bounds. A generation is written `delayMs` after its first change, and as soon as it reaches `WRITE_COUNT` or `WRITE_BYTES`, but never before the one ahead of it is
 * done. What gathers meanwhile is told by `fill`, by which the primary slows its writes; at `LIMIT_BYTES` the thread that applies waits for the
 * writing one. While the disk is full changes stay in memory: the server refuses new writes then, and beyond `LIMIT_BYTES` (entries that others had
 * accepted) the member gives up rather than grow.
 */
import type { Position } from "@coracle/lease-log";
import type { KvStoreError } from "../errors.ts";
import type { Layer } from "./layer.ts";
import { Overlay } from "./overlay.ts";
import type { TreeKeyspace } from "./tree-keyspace.ts";
import type { TreeWriter } from "./tree-writer.ts";

const WRITE_COUNT = 65_536;
const WRITE_BYTES = 16 * 1024 * 1024;
/** What may gather behind a generation that is being written before `fill` is 1. */
const FULL_BYTES = 32 * 1024 * 1024;
const LIMIT_BYTES = 64 * 1024 * 1024;
/** How long a full disk is left alone before the next attempt. */
const RETRY_MS = 250;

interface State {
  readonly position: Position;
  readonly timeMs: number;
  /** Number of the `advance` that brought it. */
  readonly step: number;
}

export interface Layers {
  /** Takes changes now. */
  readonly top: Layer;
  /** Under it: what is being written, or has to be written again. */
  readonly middle: Layer;
  readonly tree: TreeKeyspace;
}

export class WriteBehind {
  readonly #layers: Layers;
  readonly #writer: TreeWriter;
  readonly #delayMs: number;
  #timer: NodeJS.Timeout | undefined;
  /** The state with the top layer, if that is not in the tree. */
  #top: State | undefined;
  /** The state with the middle layer, if that is not in the tree. */
  #middle: State | undefined;
  #step = 0;
  #writtenStep = 0;
  #problem: KvStoreError | undefined;
  #retryAt = 0;
  #isBroken = false;
  #waiting: (() => void)[] = [];

  constructor(layers: Layers, writer: TreeWriter, delayMs: number) {
    this.#layers = layers;
    this.#writer = writer;
    this.#delayMs = delayMs;
  }

  /** Why the last write failed, until one succeeds. */
  get problem(): KvStoreError | undefined {
    return this.#problem;
  }

  /** How much of the room for changes is taken that must wait for others to be written: 0 for none, 1 for all of it. */
  get fill(): number {
    return this.#middle ? Math.min(1, this.#layers.top.overlay.sizeBytes / FULL_BYTES) : 0;
  }

  /** The top layer is at this entry now. Throws what the disk says when the changes can be kept in memory no longer. */
  advance(position: Position, timeMs: number): void {
    this.#top = { position, timeMs, step: ++this.#step };
    const { top } = this.#layers;
    if (isLarge(top.overlay)) this.#attempt();
    while (top.overlay.sizeBytes >= LIMIT_BYTES && this.#writer.isBusy) this.#writer.finish();
    const isFull = top.overlay.sizeBytes >= LIMIT_BYTES;
    if (this.#problem && (this.#problem.code !== "disk-full" || isFull)) throw this.#problem;
    this.#schedule();
  }

  /** Resolves once everything applied before the call is in the tree. Rejects with `disk-full`, `damaged` or `failed`; the changes stay in memory then. */
  async drain(): Promise<void> {
    const step = this.#step;
    while (this.#writtenStep < step && !this.#isBroken) {
      if (!this.#writer.isBusy) this.#begin();
      await this.#settled();
      if (this.#problem && !this.#writer.isBusy) throw this.#problem;
    }
  }

  /** Forgets what was not written, since it is being replaced, and resolves once nothing is being written. */
  async discard(): Promise<void> {
    this.#cancel();
    this.#top = undefined;
    if (this.#writer.isBusy) await this.#settled();
    this.#middle = undefined;
    this.#writtenStep = this.#step;
    this.#layers.top.overlay = new Overlay();
    this.#layers.middle.overlay = new Overlay();
  }

  /** Half an entry may be in the top layer: it must never be written. */
  abandon(): void {
    this.#cancel();
    this.#top = undefined;
    this.#isBroken = true;
  }

  #attempt(): void {
    if (this.#writer.isBusy || this.#isBroken) return;
    if (this.#problem && performance.now() < this.#retryAt) return;
    this.#begin();
  }

  /** Writes the middle layer once more if that failed, otherwise the top one. */
  #begin(): void {
    this.#cancel();
    if (!this.#middle) this.#shift();
    if (!this.#middle) return;
    const { position, timeMs } = this.#middle;
    const { overlay } = this.#layers.middle;
    const commit = { parts: overlay.copy(), clears: overlay.hidesBeneath, position, timeMs };
    this.#writer.write(commit, (failure) => this.#finished(failure));
  }

  #shift(): void {
    const { top, middle } = this.#layers;
    this.#middle = this.#top;
    this.#top = undefined;
    if (!this.#middle) return;
    middle.overlay = top.overlay;
    top.overlay = new Overlay();
  }

  #finished(failure: KvStoreError | undefined): void {
    this.#problem = failure;
    if (failure) this.#retryAt = performance.now() + RETRY_MS;
    else {
      this.#writtenStep = this.#middle?.step ?? this.#writtenStep;
      this.#middle = undefined;
      this.#layers.middle.overlay = new Overlay();
      this.#layers.tree.renew();
    }
    for (const resolve of this.#waiting.splice(0)) resolve();
    if (isLarge(this.#layers.top.overlay)) this.#attempt();
    this.#schedule();
  }

  #settled(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #schedule(): void {
    if (this.#timer || this.#writer.isBusy || this.#isBroken || !(this.#top || this.#middle)) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#attempt();
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

const isLarge = ({ count, sizeBytes }: Overlay): boolean => count >= WRITE_COUNT || sizeBytes >= WRITE_BYTES;
