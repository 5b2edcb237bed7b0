/** Sends entries to replicas: out of memory at once, out of the log when the replica is further behind. */
import type { WireEndpoint } from "@coracle/wire";
import type { Core } from "../core/core.ts";
import type { Feed } from "../core/types.ts";
import { encodeAppend } from "./codec.ts";
import type { Block } from "./entries.ts";
import type { Storage } from "./storage.ts";

export interface Fed {
  readonly through: number;
  readonly sizeBytes: number;
  readonly isSent: boolean;
}

export class Feeder {
  readonly #core: Core;
  readonly #storage: Storage;
  readonly #endpoint: WireEndpoint;
  readonly #batchBytes: number;

  constructor(core: Core, storage: Storage, endpoint: WireEndpoint, batchBytes: number) {
    this.#core = core;
    this.#storage = storage;
    this.#endpoint = endpoint;
    this.#batchBytes = batchBytes;
  }

  /** Calls `done` at once when the entries are in memory. */
  feed(feed: Feed, done: (fed: Fed) => void): void {
    const from = feed.after.index + 1;
    const isEmpty = feed.through < from;
    const blocks = isEmpty ? [] : this.#storage.cache.blocks(from, feed.through, this.#batchBytes);
    if (blocks) {
      done(this.#send(feed, blocks));
      return;
    }
    this.#storage.read(from, this.#batchBytes).then(
      (block) => done(this.#send(feed, [block])),
      // Dropped meanwhile: the next session of this replica sees that and sends a snapshot.
      () => done({ through: feed.after.index, sizeBytes: 0, isSent: false }),
    );
  }

  #send(feed: Feed, blocks: readonly Block[]): Fed {
    const { epoch, after: prev, commit, echo } = feed;
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
    const isSent = this.#endpoint.send(feed.to, head, ...blocks.map((block) => block.bytes));
    const sizeBytes = blocks.reduce((sum, block) => sum + block.bytes.length, 0);
    return { through, sizeBytes, isSent };
  }
}
