/** Snapshots between replicas, as streams beside the messages. */
import type { WireEndpoint } from "@coracle/wire";
import { LeaseLogError } from "../errors.ts";
import type { LogClock, LogMetrics, LogSink } from "../options.ts";
import type { Position, StateMachine } from "../types.ts";
import type { Storage } from "./storage.ts";

export interface SnapshotContext {
  readonly stateMachine: StateMachine;
  readonly storage: Storage;
  readonly clock: LogClock;
  readonly logger: LogSink;
  readonly metrics: LogMetrics;
}

/** Resolves with whether the replica took it. Never rejects. */
export async function sendSnapshot(
  context: SnapshotContext,
  endpoint: WireEndpoint,
  to: string,
  epoch: number,
  signal: AbortSignal,
): Promise<boolean> {
  const { stateMachine, clock, logger, metrics } = context;
  const startedAt = clock.now();
  try {
    const { at, chunks } = await stateMachine.snapshot();
    const count = { bytes: 0 };
    const header = Buffer.from(JSON.stringify({ epoch, at }));
    await endpoint.stream(to, header, counted(chunks, count), signal);
    metrics.snapshotSent?.(to, at, count.bytes, clock.now() - startedAt);
    logger.info({ to, at, sizeBytes: count.bytes }, "sent a snapshot");
    return true;
  } catch (error) {
    logger.warn({ to, error: String(error) }, "a snapshot was not sent");
    return false;
  }
}

export interface SnapshotOffer {
  readonly epoch: number;
  readonly at: Position;
}

/** Throws LeaseLogError `failed` on a header that makes no sense. */
export function readOffer(header: Buffer): SnapshotOffer {
  try {
    const { epoch, at } = JSON.parse(header.toString("utf8")) as SnapshotOffer;
    if ([epoch, at.epoch, at.index].every(Number.isInteger)) return { epoch, at };
  } catch {
    // Falls through.
  }
  throw new LeaseLogError("failed", "an offer of a snapshot that makes no sense");
}

/**
 * Replaces state and log; the disk was marked incomplete before, so that a crash anywhere in here leaves an empty replica, never a half one.
 * Throws when it fails; the log then begins at whatever the state is.
 */
export async function takeSnapshot(
  context: SnapshotContext,
  from: string,
  offer: SnapshotOffer,
  chunks: AsyncIterable<Buffer>,
): Promise<void> {
  const { stateMachine, storage, clock, logger, metrics } = context;
  const startedAt = clock.now();
  const count = { bytes: 0 };
  try {
    await stateMachine.restore(offer.at, counted(chunks, count));
    await storage.reset(offer.at);
  } catch (error) {
    await storage.reset(stateMachine.applied());
    throw error;
  }
  metrics.snapshotInstalled?.(from, offer.at, count.bytes, clock.now() - startedAt);
  logger.info({ from, at: offer.at, sizeBytes: count.bytes }, "took a snapshot");
}

async function* counted<T extends Uint8Array>(chunks: AsyncIterable<T>, count: { bytes: number }): AsyncIterable<T> {
  for await (const chunk of chunks) {
    count.bytes += chunk.length;
    yield chunk;
  }
}
