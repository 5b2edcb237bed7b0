/**
 * Gathers the writes of all clients that arrive in one turn of the event loop into one log entry: one checksum, one disk write, one
 * message per replica for all of them. Bounded, so that an entry stays a small part of what the log takes at once.
 */
import type { ReplicatedLog } from "@coracle/lease-log";
import type { Reply } from "../reply.ts";
import { encodeEntry, type Operation, operationSize } from "../store/entry.ts";

const MAX_ENTRY_BYTES = 256 * 1024;
const MAX_ENTRY_OPERATIONS = 4096;

export interface Proposer {
  /** Resolves with the operations' answers, in order, when they are acknowledged; rejects with what the log says of any part of them. */
  propose(operations: readonly Operation[]): Promise<readonly Reply[]>;
}

interface Waiting {
  readonly operations: readonly Operation[];
  resolve(replies: readonly Reply[]): void;
  reject(error: unknown): void;
}

export function createProposer(log: Pick<ReplicatedLog, "propose">, now: () => number = Date.now): Proposer {
  let waiting: Waiting[] = [];
  let sizeBytes = 0;
  let count = 0;

  const send = (): void => {
    const round = waiting;
    waiting = [];
    sizeBytes = 0;
    count = 0;
    if (round.length > 0) void submit(log, round, now());
  };

  return {
    propose: (operations) =>
      new Promise((resolve, reject) => {
        if (waiting.length === 0) setImmediate(send);
        waiting.push({ operations, resolve, reject });
        count += operations.length;
        for (const operation of operations) sizeBytes += operationSize(operation);
        if (sizeBytes >= MAX_ENTRY_BYTES || count >= MAX_ENTRY_OPERATIONS) send();
      }),
  };
}

async function submit(log: Pick<ReplicatedLog, "propose">, round: readonly Waiting[], timeMs: number): Promise<void> {
  try {
    const entry = encodeEntry(
      timeMs,
      round.flatMap(({ operations }) => operations),
    );
    const replies = (await log.propose(entry)) as readonly Reply[];
    let at = 0;
    for (const { operations, resolve } of round) {
      resolve(replies.slice(at, at + operations.length));
      at += operations.length;
    }
  } catch (error) {
    for (const { reject } of round) reject(error);
  }
}
