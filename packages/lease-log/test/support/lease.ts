/** A Lease in memory and arbiters on it, on the real clock with short times: for tests of the driver. */
import type { Arbiter, ArbiterRecord, Candidacy, LeaderTerm } from "../../src/index.ts";

export interface MemoryLease {
  record: ArbiterRecord | undefined;
  expiresAt: number;
  reservedFor: { id: string; until: number } | undefined;
  isAway: boolean;
}

export function memoryLease(): MemoryLease {
  return { record: undefined, expiresAt: 0, reservedFor: undefined, isAway: false };
}

const TTL_MS = 1200;

export class MemoryArbiter implements Arbiter {
  readonly id: string;
  readonly lease: MemoryLease;
  /** Set to the log's own. */
  candidacy: (record: ArbiterRecord | undefined) => Candidacy = () => ({ abstain: "no log" });
  observed: ArbiterRecord | undefined;
  term: LeaderTerm | undefined;
  lastAbstention: string | undefined;
  #deadline = 0;
  #yieldUntil = 0;
  #abort = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  readonly #listeners = new Set<Parameters<Arbiter["subscribe"]>[0]>();

  constructor(id: string, lease: MemoryLease) {
    this.id = id;
    this.lease = lease;
  }

  start(): void {
    this.#timer = setInterval(() => this.#turn(), 10);
  }

  /** As if the process died: the Lease stays as it is. */
  kill(): void {
    clearInterval(this.#timer);
    this.#endTerm("killed");
  }

  #turn(): void {
    const now = performance.now();
    if (this.term && now >= this.#deadline) this.#endTerm("not renewed");
    if (this.lease.isAway) return;
    this.#see(this.lease.record);
    if (this.term) this.#renew(now);
    else this.#contend(now);
  }

  #renew(now: number): void {
    const { record } = this.lease;
    if (record?.holder !== this.id || record.epoch !== this.term?.epoch) {
      this.#endTerm("lost");
      return;
    }
    this.lease.expiresAt = now + TTL_MS;
    this.#deadline = now + (TTL_MS * 2) / 3;
  }

  #contend(now: number): void {
    const { lease } = this;
    const isFree = lease.record?.holder === undefined || now > lease.expiresAt;
    const isReserved = lease.reservedFor && lease.reservedFor.id !== this.id && now < lease.reservedFor.until;
    if (!isFree || isReserved || now < this.#yieldUntil) return;
    const answer = this.candidacy(lease.record);
    this.lastAbstention = "abstain" in answer ? answer.abstain : undefined;
    if ("abstain" in answer) return;
    const epoch = Math.max(lease.record?.epoch ?? 0, answer.epochAbove ?? 0) + 1;
    const annotations = { ...lease.record?.annotations, ...strings(answer.annotations) };
    lease.record = { holder: this.id, epoch, annotations };
    lease.expiresAt = now + TTL_MS;
    this.#deadline = now + (TTL_MS * 2) / 3;
    this.#abort = new AbortController();
    this.term = {
      epoch,
      signal: this.#abort.signal,
      isValid: () => performance.now() < this.#deadline,
      remainingMs: () => Math.max(0, this.#deadline - performance.now()),
    };
    this.#see(lease.record);
  }

  async stepDown(_reason: string, handTo?: string): Promise<void> {
    if (!this.term) return;
    this.#endTerm("stepped down");
    if (this.lease.isAway) return;
    const now = performance.now();
    this.lease.record = { ...(this.lease.record as ArbiterRecord), holder: undefined };
    this.lease.reservedFor = handTo === undefined ? undefined : { id: handTo, until: now + TTL_MS };
    this.#yieldUntil = now + TTL_MS;
  }

  async annotate(change: Parameters<Arbiter["annotate"]>[0]): Promise<ArbiterRecord> {
    await new Promise((resolve) => setImmediate(resolve));
    while (this.lease.isAway && this.term) await new Promise((resolve) => setTimeout(resolve, 5));
    const { record } = this.lease;
    if (!this.term || record?.holder !== this.id) throw new RangeError("not-leader");
    this.lease.record = { ...record, annotations: { ...record.annotations, ...strings(change(record.annotations)) } };
    return this.lease.record;
  }

  subscribe(listener: Parameters<Arbiter["subscribe"]>[0]): () => void {
    this.#listeners.add(listener);
    listener(this);
    return () => this.#listeners.delete(listener);
  }

  #endTerm(reason: string): void {
    if (!this.term) return;
    this.term = undefined;
    this.#abort.abort(reason);
    this.#tell();
  }

  #see(record: ArbiterRecord | undefined): void {
    if (this.observed === record) return;
    this.observed = record;
    this.#tell();
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener({ observed: this.observed, term: this.term });
  }
}

function strings(changes: Readonly<Record<string, string | null>> | undefined): Record<string, string> {
  return Object.fromEntries(
    Object.entries(changes ?? {}).filter((entry): entry is [string, string] => entry[1] !== null),
  );
}
