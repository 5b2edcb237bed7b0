/**
 * Sends entries to replicas: out of memory at once, out of the log when the replica is further behind.
 *
 * With a pause, what is asked for within it goes out together at its end: a message costs both sides more than the entries in it, and where no
 * write waits for replicas (`async`) nothing is lost by it but that they are so much further behind. The first after a quiet time does not wait.
 */
import type { WireEndpoint } from "@coracle/wire";
import type { Core } from "../core/core.ts";
import type { Feed, Input } from "../core/types.ts";
import type { LogClock } from "../options.ts";
import { encodeAppend } from "./codec.ts";
import type { Block } from "./entries.ts";
import type { Settings } from "./settings.ts";
import type { Storage } from "./storage.ts";

export type Fed = Extract<Input, { readonly type: "fed" }>;

export class Feeder {
  readonly #core: Pick<Core, "leadingEpoch" | "counts">;
  readonly #storage: Pick<Storage, "cache" | "read">;
  readonly #endpoint: Pick<WireEndpoint, "send">;
  readonly #clock: LogClock;
  readonly #batchBytes: number;
  /** 0: none. */
  readonly #pauseMs: number;
  readonly #done: (fed: Fed) => void;
  /** What the pause holds back: one feed for each replica at most, since the core asks for the next when it is told of the last. */
  #held: Feed[] = [];
  #pausedUntil = -Infinity;
  #cancel: (() => void) | undefined;

  /** `done` is called once for each feed, and at once when there is no pause and the entries are in memory. */
  constructor(
    core: Pick<Core, "leadingEpoch" | "counts">,
    storage: Pick<Storage, "cache" | "read">,
    endpoint: Pick<WireEndpoint, "send">,
    { clock, limits, timing, mode }: Pick<Settings, "clock" | "limits" | "timing" | "mode">,
    done: (fed: Fed) => void,
  ) {
    this.#core = core;
    this.#storage = storage;
    this.#endpoint = endpoint;
    this.#clock = clock;
    this.#batchBytes = limits.batchBytes;
    this.#pauseMs = mode === "async" ? timing.asyncSendMs : 0;
    this.#done = done;
  }

  feed(feeds: readonly Feed[]): void {
    if (this.#pauseMs === 0 || feeds.length === 0) {
      for (const feed of feeds) this.#feedNow(feed);
      return;
    }
    this.#held.push(...feeds);
    const waitMs = this.#pausedUntil - this.#clock.now();
    if (waitMs <= 0) this.#release();
    else this.#cancel ??= this.#clock.after(waitMs, () => this.#release());
  }

  /** Drops what is held back. */
  stop(): void {
    this.#cancel?.();
    this.#held = [];
  }

  #release(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#pausedUntil = this.#clock.now() + this.#pauseMs;
    const held = this.#held;
    this.#held = [];
    for (const feed of held) this.#feedNow(feed);
  }

  #feedNow(feed: Feed): void {
    const from = feed.after.index + 1;
    const isEmpty = feed.through < from;
    const blocks = isEmpty ? [] : this.#storage.cache.blocks(from, feed.through, this.#batchBytes);
    if (blocks) {
      this.#done(this.#send(feed, blocks));
      return;
    }
    this.#storage.read(from, this.#batchBytes).then(
      (block) => this.#done(this.#send(feed, [block])),
      // Dropped meanwhile: the next session of this replica sees that and sends a snapshot.
      () => this.#done(notSent(feed)),
    );
  }

  #send(feed: Feed, blocks: readonly Block[]): Fed {
    const { to, session, epoch, after: prev, commit, echo } = feed;
    // Between the core's asking and the sending this node may have ceased to lead, and its log may have been cut.
    if (this.#core.leadingEpoch !== epoch) return notSent(feed);
    const last = blocks.at(-1);
    const through = last ? last.first + last.count - 1 : prev.index;
    const head = encodeAppend({
      type: "append",
      epoch,
      prev,
      entries: this.#core.counts(prev.index, through),
      commit,
      echo,
    });
    const isSent = this.#endpoint.send(to, head, ...blocks.map((block) => block.bytes));
    const sizeBytes = blocks.reduce((sum, block) => sum + block.bytes.length, 0);
    return { type: "fed", to, session, through, sizeBytes, isSent };
  }
}

const notSent = ({ to, session, after }: Feed): Fed => ({
  type: "fed",
  to,
  session,
  through: after.index,
  sizeBytes: 0,
  isSent: false,
});
