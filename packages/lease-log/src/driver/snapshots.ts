/** Snapshots between replicas, as streams beside the messages. */
import type { WireEndpoint } from "@coracle/wire";
import { LeaseLogError } from "../errors.ts";
import type { Position } from "../types.ts";
import type { Settings } from "./settings.ts";
import type { Storage } from "./storage.ts";

interface Offer {
  readonly epoch: number;
  readonly at: Position;
}

export interface SnapshotHooks {
  /** Keeps the log that follows the state as it is now, until the returned function is called. */
  pin(): () => void;
  /** Asks the core whether a snapshot of this epoch is wanted; the disk is marked incomplete when it resolves with true. */
  isWanted(from: string, epoch: number): Promise<boolean>;
  /** Runs what replaces the state with no flush under way. */
  hold(install: () => Promise<void>): Promise<void>;
  installed(at: Position): void;
}

export class SnapshotExchange {
  readonly #settings: Settings;
  readonly #storage: Storage;
  readonly #hooks: SnapshotHooks;
  readonly #abort = new AbortController();
  #installing: Promise<void> = Promise.resolve();

  constructor(settings: Settings, storage: Storage, hooks: SnapshotHooks) {
    this.#settings = settings;
    this.#storage = storage;
    this.#hooks = hooks;
  }

  /** Resolves with whether the replica took it. Never rejects. */
  async send(endpoint: WireEndpoint, to: string, epoch: number): Promise<boolean> {
    const { stateMachine, clock, logger, metrics } = this.#settings;
    const startedAt = clock.now();
    const unpin = this.#hooks.pin();
    try {
      const { at, chunks } = await stateMachine.snapshot();
      const count = { bytes: 0 };
      await endpoint.stream(to, Buffer.from(JSON.stringify({ epoch, at })), counted(chunks, count), this.#abort.signal);
      metrics.snapshotSent?.(to, at, count.bytes, clock.now() - startedAt);
      logger.info({ to, at, sizeBytes: count.bytes }, "sent a snapshot");
      return true;
    } catch (error) {
      logger.warn({ to, error: String(error) }, "a snapshot was not sent");
      return false;
    } finally {
      unpin();
    }
  }

  /** Takes one that a peer sends; throws when it is not wanted or fails, which the peer is told. */
  async take(from: string, header: Buffer, chunks: AsyncIterable<Buffer>): Promise<void> {
    const offer = readOffer(header);
    if (this.#abort.signal.aborted || !(await this.#hooks.isWanted(from, offer.epoch))) {
      throw new LeaseLogError("failed", "not wanted now");
    }
    const installing = this.#hooks.hold(() => this.#install(from, offer, chunks));
    this.#installing = installing.catch(() => {});
    await installing;
  }

  /**
   * Replaces state and log. The disk was marked incomplete before, so that a crash anywhere in here leaves a replica that copies again, never half
   * a state that counts. When it fails, the log begins at whatever the state is.
   */
  async #install(from: string, { at }: Offer, chunks: AsyncIterable<Buffer>): Promise<void> {
    const { stateMachine, clock, logger, metrics } = this.#settings;
    const startedAt = clock.now();
    const count = { bytes: 0 };
    try {
      await stateMachine.restore(at, counted(chunks, count));
    } finally {
      const applied = stateMachine.applied();
      await this.#storage.reset(applied);
      this.#hooks.installed(applied);
    }
    metrics.snapshotInstalled?.(from, at, count.bytes, clock.now() - startedAt);
    logger.info({ from, at, sizeBytes: count.bytes }, "took a snapshot");
  }

  /** Ends what is sent now, and waits for what is being taken in; its stream must have been closed. */
  async stop(closeStreams: () => Promise<void>): Promise<void> {
    this.#abort.abort(new LeaseLogError("closed", "the log was stopped"));
    await closeStreams();
    await this.#installing;
  }
}

/** Throws LeaseLogError `failed` on a header that makes no sense. */
function readOffer(header: Buffer): Offer {
  try {
    const { epoch, at } = JSON.parse(header.toString("utf8")) as Offer;
    if ([epoch, at.epoch, at.index].every(Number.isInteger)) return { epoch, at };
  } catch {
    // Falls through.
  }
  throw new LeaseLogError("failed", "an offer of a snapshot that makes no sense");
}

async function* counted<T extends Uint8Array>(chunks: AsyncIterable<T>, count: { bytes: number }): AsyncIterable<T> {
  for await (const chunk of chunks) {
    count.bytes += chunk.length;
    yield chunk;
  }
}
