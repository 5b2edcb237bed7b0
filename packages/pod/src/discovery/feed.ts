import { type PodClock, systemClock } from "../clock.ts";
import { messageOf } from "../errors.ts";
import { Listeners } from "../listeners.ts";
import { silentLogger } from "../logging/logger.ts";
import type { Logger } from "../logging/types.ts";
import type { Discovery, DiscoverySource, Peer } from "./types.ts";

/** Where sets come from. `run` reports each answer until `signal` aborts, and survives its own failures. */
export interface PeerSource {
  readonly kind: DiscoverySource;
  run(report: Report, signal: AbortSignal): Promise<void>;
  /** For a source that is quiet when all is well: milliseconds since it was last heard. Without it, since the last report. */
  silentMs?(): number;
}

export interface Report {
  /** A complete set; duplicates by id are dropped, the last one stands. */
  peers(peers: readonly Peer[]): void;
  /** The source can't be read; the next attempt comes in `retryInMs`. */
  failed(error: unknown, retryInMs: number): void;
}

/** A set that is larger than this is a mistake in a selector. */
const maxPeers = 10_000;

export interface FeedOptions {
  readonly clock?: PodClock;
  readonly logger?: Logger;
}

/** Turns a source into a Discovery: orders, compares, keeps, and tells. */
export class PeerFeed implements Discovery {
  readonly source: DiscoverySource;
  readonly #source: PeerSource;
  readonly #clock: PodClock;
  readonly #logger: Logger;
  readonly #listeners: Listeners<void>;
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;
  #peers: readonly Peer[] = [];
  #text: string | undefined;
  #version = 0;
  #answeredAt = Number.NEGATIVE_INFINITY;
  #isFailing = false;

  constructor(source: PeerSource, { clock = systemClock, logger = silentLogger }: FeedOptions = {}) {
    this.source = source.kind;
    this.#source = source;
    this.#clock = clock;
    this.#logger = logger.child({ source: source.kind });
    this.#listeners = new Listeners(this.#logger);
    const report: Report = {
      peers: (peers) => this.#report(peers),
      failed: (error, retryInMs) => this.#failed(error, retryInMs),
    };
    this.#running = source.run(report, this.#stopping.signal).catch((error: unknown) => {
      this.#logger.error("discovery ended", { error });
    });
  }

  peers(): readonly Peer[] {
    return this.#peers;
  }

  staleMs(): number {
    return this.#source.silentMs?.() ?? this.#clock.now() - this.#answeredAt;
  }

  subscribe(listener: () => void): () => void {
    return this.#listeners.add(listener);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#listeners.tell();
    await this.#running;
    this.#listeners.clear();
  }

  /** A slow reader misses what was in between, never the latest. */
  async *[Symbol.asyncIterator](): AsyncGenerator<readonly Peer[]> {
    let seen = 0;
    for (;;) {
      if (this.#version === seen) await this.#change();
      if (this.#stopping.signal.aborted) return;
      seen = this.#version;
      yield this.#peers;
    }
  }

  #change(): Promise<void> {
    if (this.#stopping.signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = this.#listeners.add(() => {
        cancel();
        resolve();
      });
    });
  }

  #report(peers: readonly Peer[]): void {
    if (this.#stopping.signal.aborted) return;
    this.#answeredAt = this.#clock.now();
    if (this.#isFailing) this.#logger.info("discovery works again");
    this.#isFailing = false;
    const ordered = inOrder(peers);
    const text = JSON.stringify(ordered);
    if (text === this.#text) return;
    this.#text = text;
    if (whereabouts(ordered) !== whereabouts(this.#peers))
      this.#logger.info("peers changed", { peers: ordered.map((peer) => peer.id) });
    this.#peers = ordered;
    this.#version++;
    this.#listeners.tell();
  }

  /** Said once per outage. */
  #failed(error: unknown, retryInMs: number): void {
    if (this.#isFailing || this.#stopping.signal.aborted) return;
    this.#isFailing = true;
    this.#logger.warn("discovery can't reach its source; the last peers stand", {
      reason: messageOf(error),
      retryInMs: Math.round(retryInMs),
    });
  }
}

function inOrder(peers: readonly Peer[]): readonly Peer[] {
  const byId = new Map(peers.slice(0, maxPeers).map((peer) => [peer.id, peer]));
  return [...byId.values()].sort((a, b) => (a.id < b.id ? -1 : 1)).map(canonical);
}

/** The same keys in the same order, so that equal sets have equal texts. */
function canonical({ id, host, port, ready, terminating, labels }: Peer): Peer {
  return {
    id,
    host,
    port,
    ...(ready !== undefined && { ready }),
    ...(terminating !== undefined && { terminating }),
    ...(labels && { labels: Object.fromEntries(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))) }),
  };
}

/** Who is where. Readiness and labels change all the time while a system starts; that is no news for the log. */
const whereabouts = (peers: readonly Peer[]): string =>
  peers.map(({ id, host, port }) => `${id} ${host} ${port}`).join();
