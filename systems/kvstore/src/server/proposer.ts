/**
 * Gathers the writes of all clients into log entries: one checksum, one disk write, one message per replica for all of them. What arrives
 * in one turn of the event loop goes together, and so does what arrives while an entry is on its way: the busier the log, the larger
 * its entries and the cheaper each write.
 */
import { LeaseLogError, type ReplicatedLog } from "@coracle/lease-log";
import type { Reply } from "../reply.ts";
import { encodeEntry, type Operation, operationSize } from "../store/entry.ts";

const MAX_ENTRY_BYTES = 256 * 1024;
const MAX_ENTRY_OPERATIONS = 4096;
/** Fill up to which rounds follow each other without a pause. */
const EASY_FILL = 0.5;
const MAX_PAUSE_MS = 10;
/** Entries on their way at once. */
const MAX_ROUNDS = 1;
/** Operations that may wait for their turn; beyond it they are refused. */
const MAX_WAITING_BYTES = 128 * 1024 * 1024;

/** Told the answers of one's own operations, from `first` on in `replies`, or what the log says of any part of them. */
export interface Proposal {
  acknowledged(replies: readonly Reply[], first: number): void;
  failed(error: unknown): void;
}

interface Waiting {
  readonly operations: readonly Operation[];
  readonly sizeBytes: number;
  readonly proposal: Proposal;
}

export class Proposer {
  readonly #log: Pick<ReplicatedLog, "propose">;
  readonly #now: () => number;
  readonly #fill: () => number;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;
  #rounds = 0;
  #isScheduled = false;

  /** `fill` is the store's: how much of the room for changes is taken. */
  constructor(log: Pick<ReplicatedLog, "propose">, fill: () => number, now: () => number = Date.now) {
    this.#log = log;
    this.#fill = fill;
    this.#now = now;
  }

  propose(operations: readonly Operation[], proposal: Proposal): void {
    let sizeBytes = 0;
    for (const operation of operations) sizeBytes += operationSize(operation);
    if (this.#waitingBytes > 0 && this.#waitingBytes + sizeBytes > MAX_WAITING_BYTES) {
      proposal.failed(new LeaseLogError("overloaded", `${this.#waiting.length} clients' writes are waiting already`));
      return;
    }
    this.#waiting.push({ operations, sizeBytes, proposal });
    this.#waitingBytes += sizeBytes;
    if (this.#isScheduled || this.#rounds >= MAX_ROUNDS) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#send();
    });
  }

  #send(): void {
    while (this.#waiting.length > 0 && this.#rounds < MAX_ROUNDS) this.#sendRound(this.#takeRound());
  }

  /** As many as fit into one entry, at least one. */
  #takeRound(): readonly Waiting[] {
    let [count, operations, sizeBytes] = [0, 0, 0];
    for (const item of this.#waiting) {
      operations += item.operations.length;
      sizeBytes += item.sizeBytes;
      if (count > 0 && (operations > MAX_ENTRY_OPERATIONS || sizeBytes > MAX_ENTRY_BYTES)) break;
      count++;
      this.#waitingBytes -= item.sizeBytes;
    }
    if (count < this.#waiting.length) return this.#waiting.splice(0, count);
    const all = this.#waiting;
    this.#waiting = [];
    return all;
  }

  #sendRound(round: readonly Waiting[]): void {
    const operations = round.length === 1 && round[0] ? round[0].operations : round.flatMap((item) => item.operations);
    this.#rounds++;
    this.#log.propose(encodeEntry(this.#now(), operations), { isGathered: true }).then(
      (replies) => this.#acknowledged(round, replies as readonly Reply[]),
      (error: unknown) => this.#failed(round, error),
    );
  }

  #acknowledged(round: readonly Waiting[], replies: readonly Reply[]): void {
    let first = 0;
    for (const { operations, proposal } of round) {
      proposal.acknowledged(replies, first);
      first += operations.length;
    }
    this.#endRound();
  }

  #failed(round: readonly Waiting[], error: unknown): void {
    for (const { proposal } of round) proposal.failed(error);
    this.#endRound();
  }

  /**
   * The next leaves a turn of the event loop after the answers, and takes the next writes of the clients that they went to with it. Disk and replicas rest
   * for that turn, but most of what a write costs is its share of a round: fewer and larger rounds are faster (bench/results/kvstore.md).
   */
  #endRound(): void {
    setImmediate(() => setImmediate(() => this.#nextRound()));
  }

  /** Where clients write faster than the tree can, each round waits a little, the more the less room there is, and none is sent without room. */
  #nextRound(): void {
    const fill = this.#fill();
    if (fill >= 1) setTimeout(() => this.#nextRound(), MAX_PAUSE_MS).unref();
    else if (fill > EASY_FILL)
      setTimeout(() => this.#release(), (MAX_PAUSE_MS * (fill - EASY_FILL)) / (1 - EASY_FILL)).unref();
    else this.#release();
  }

  #release(): void {
    this.#rounds--;
    this.#send();
  }
}
