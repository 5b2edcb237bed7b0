/**
 * Snapshots between members. The leader offers its newest one, the follower says how much of that very one it holds already, and the rest follows as a
 * stream, whose credit bounds memory on both sides and what a heartbeat may have to wait for.
 */
import { open } from "node:fs/promises";
import type { WireEndpoint } from "@coracle/wire";
import type { SnapshotMeta } from "../core/types.ts";
import { RaftError } from "../errors.ts";
import type { LogSink, RaftMetrics } from "../options.ts";
import type { SnapshotStore, StoredSnapshot } from "./snapshot-store.ts";

const READ_BYTES = 256 << 10;
const OFFER_TIMEOUT_MS = 10_000;

interface Offer {
  readonly term: number;
  readonly name: string;
  readonly sizeBytes: number;
}

export interface ExchangeHooks {
  term(): number;
  /** What came in is checked and durable at `path`; resolves once the core has decided on it and that is performed. */
  received(from: string, term: number, meta: SnapshotMeta, path: string): Promise<void>;
  now(): number;
}

export class SnapshotExchange {
  readonly #store: SnapshotStore;
  readonly #hooks: ExchangeHooks;
  readonly #metrics: RaftMetrics;
  readonly #logger: LogSink;
  readonly #abort = new AbortController();
  #taking: Promise<void> | undefined;

  constructor(store: SnapshotStore, hooks: ExchangeHooks, metrics: RaftMetrics, logger: LogSink) {
    this.#store = store;
    this.#hooks = hooks;
    this.#metrics = metrics;
    this.#logger = logger;
  }

  /** Resolves with the index that the follower now has; undefined when it did not take it. Never rejects. */
  async send(endpoint: WireEndpoint, to: string): Promise<number | undefined> {
    const snapshot = this.#store.newest;
    if (!snapshot) return undefined;
    const startedAt = this.#hooks.now();
    const { signal } = this.#abort;
    const offer: Offer = { term: this.#hooks.term(), name: nameOf(snapshot), sizeBytes: snapshot.sizeBytes };
    const bytes = Buffer.from(JSON.stringify(offer));
    try {
      const answer = await endpoint.request(to, "snapshot-offer", bytes, { timeoutMs: OFFER_TIMEOUT_MS, signal });
      const offset = Math.min(answer.readUIntBE(0, 6), snapshot.sizeBytes);
      await endpoint.stream(to, bytes, readFrom(snapshot.path, offset), signal);
      const sizeBytes = snapshot.sizeBytes - offset;
      this.#metrics.snapshotSent?.(to, sizeBytes, this.#hooks.now() - startedAt);
      this.#logger.info({ to, index: snapshot.meta.index, sizeBytes }, "sent a snapshot");
      return snapshot.meta.index;
    } catch (error) {
      this.#logger.warn({ to, error: String(error) }, "a snapshot was not sent");
      return undefined;
    }
  }

  /** How much of what is offered is here already. */
  async offered(payload: Uint8Array): Promise<Buffer> {
    const { name, sizeBytes } = this.#readOffer(payload);
    const part = await this.#store.incoming(name, sizeBytes);
    const answer = Buffer.alloc(6);
    answer.writeUIntBE(part.sizeBytes, 0, 6);
    return answer;
  }

  /** Takes the rest of what was offered. */
  async take(from: string, header: Buffer, chunks: AsyncIterable<Buffer>): Promise<void> {
    const offer = this.#readOffer(header);
    const taking = this.#take(from, offer, chunks);
    this.#taking = taking.catch(() => {});
    try {
      await taking;
    } finally {
      this.#taking = undefined;
    }
  }

  async #take(from: string, { term, name, sizeBytes }: Offer, chunks: AsyncIterable<Buffer>): Promise<void> {
    const startedAt = this.#hooks.now();
    const part = await this.#store.incoming(name, sizeBytes);
    const received = await this.#store.receive(part.path, chunks);
    this.#logger.debug({ from, received, sizeBytes }, "a snapshot came in");
    const meta = await this.#store.check(part.path);
    await this.#hooks.received(from, term, meta, part.path);
    this.#metrics.snapshotReceived?.(from, sizeBytes, this.#hooks.now() - startedAt);
  }

  #readOffer(payload: Uint8Array): Offer {
    if (this.#taking) throw new RaftError("busy", "another snapshot is coming in");
    try {
      const { term, name, sizeBytes } = JSON.parse(Buffer.from(payload).toString("utf8")) as Record<string, unknown>;
      if (isCount(term) && isCount(sizeBytes) && typeof name === "string" && NAME.test(name))
        return { term, name, sizeBytes };
    } catch {
      // Falls through.
    }
    throw new RaftError("invalid", "an offer of a snapshot that makes no sense");
  }

  /** Ends what is sent now, and waits for what is being taken in; its stream must have been closed by `closeStreams`. */
  async stop(closeStreams: () => Promise<void>): Promise<void> {
    this.#abort.abort(new RaftError("stopped", "this member was stopped"));
    await closeStreams();
    await this.#taking;
  }
}

/** Becomes part of a file's name at the receiver. */
const NAME = /^[0-9a-z-]{1,80}$/;
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const nameOf = ({ meta, sizeBytes, mark }: StoredSnapshot): string => `${meta.index}-${meta.term}-${sizeBytes}-${mark}`;

async function* readFrom(path: string, offset: number): AsyncIterable<Uint8Array> {
  const file = await open(path, "r");
  try {
    for (let at = offset; ; ) {
      const bytes = Buffer.allocUnsafe(READ_BYTES);
      const { bytesRead } = await file.read(bytes, 0, READ_BYTES, at);
      if (bytesRead === 0) return;
      at += bytesRead;
      yield bytes.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}
