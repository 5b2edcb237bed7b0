/** An election on a simulated API object, as one node runs it: observed-time expiry on the node's own clock, one request at a time, answers that may not come. */
import type { NodeClock, Random, Versioned, VersionedObject } from "@coracle/sim";
import type { ArbiterRecord, Candidacy } from "../../src/index.ts";

export interface LeaseValue extends ArbiterRecord {
  /** Changes with each renewal. */
  readonly renewals: number;
  readonly handTo: string | undefined;
}

export const TTL_MS = 3000;
const RENEW_DEADLINE_MS = (TTL_MS * 2) / 3;
const RETRY_MS = 400;
const TIMEOUT_MS = 1000;

export interface ElectorHooks {
  candidacy(record: ArbiterRecord | undefined, now: number): Candidacy;
  /** Observed or term changed. */
  changed(): void;
  /** Runs when the node is awake; not at all once it has crashed. */
  awake(task: () => void): void;
}

export class Elector {
  readonly #id: string;
  readonly #lease: VersionedObject<LeaseValue>;
  readonly #clock: NodeClock;
  readonly #random: Random;
  readonly #hooks: ElectorHooks;
  observed: ArbiterRecord | undefined;
  termEpoch: number | undefined;
  #seen: Versioned<LeaseValue> | undefined;
  #seenAt = 0;
  #deadline = 0;
  #pauseUntil = 0;
  #change: { readonly annotations: Record<string, string>; readonly done: (isWritten: boolean) => void } | undefined;
  #isReleasing: { readonly handTo: string | undefined } | undefined;

  constructor(id: string, lease: VersionedObject<LeaseValue>, clock: NodeClock, random: Random, hooks: ElectorHooks) {
    this.#id = id;
    this.#lease = lease;
    this.#clock = clock;
    this.#random = random;
    this.#hooks = hooks;
    this.#next();
  }

  termLeftMs(): number {
    return this.termEpoch === undefined ? 0 : Math.max(0, this.#deadline - this.#clock.now());
  }

  annotate(annotations: Record<string, string>, done: (isWritten: boolean) => void): void {
    if (this.termEpoch === undefined) done(false);
    else this.#change = { annotations, done };
  }

  stepDown(handTo: string | undefined): void {
    if (this.termEpoch === undefined) return;
    this.#isReleasing = { handTo };
    this.#pauseUntil = this.#clock.now() + TTL_MS;
    this.#endTerm();
  }

  /** Called often: a term ends by the clock alone. */
  tick(): void {
    if (this.termEpoch !== undefined && this.termLeftMs() <= 0) this.#endTerm();
  }

  #endTerm(): void {
    this.termEpoch = undefined;
    this.#change?.done(false);
    this.#change = undefined;
    this.#hooks.changed();
  }

  #next(): void {
    this.#clock.after(RETRY_MS * this.#random.between(0.8, 1.2), () => this.#hooks.awake(() => this.#turn()));
  }

  /** Reads, then perhaps writes on what was read; the next turn follows the answer, or a timeout. */
  #turn(): void {
    let isOver = false;
    const finish = () => {
      if (isOver) return;
      isOver = true;
      this.#next();
    };
    this.#clock.after(TIMEOUT_MS, () => this.#hooks.awake(finish));
    this.#lease.get(this.#id, (current) =>
      this.#hooks.awake(() => {
        if (isOver) return;
        this.#see(current);
        const value = this.#wanted(current);
        if (!value) return finish();
        const sentAt = this.#clock.now();
        this.#lease.put(this.#id, current.version, value, ({ isWritten, current: now }) =>
          this.#hooks.awake(() => {
            if (isWritten) this.#written(now, value, sentAt);
            else if (!isOver) this.#see(now);
            finish();
          }),
        );
      }),
    );
  }

  #see(current: Versioned<LeaseValue>): void {
    if (this.#seen && current.version <= this.#seen.version) return;
    this.#seen = current;
    this.#seenAt = this.#clock.now();
    this.observed = current.value;
    const isLost = current.value?.holder !== this.#id || current.value.epoch !== this.termEpoch;
    if (this.termEpoch !== undefined && isLost) this.#endTerm();
    else this.#hooks.changed();
  }

  #wanted({ value }: Versioned<LeaseValue>): LeaseValue | undefined {
    const isMine = value?.holder === this.#id;
    if (value && isMine && this.termEpoch === value.epoch) {
      return {
        ...value,
        renewals: value.renewals + 1,
        annotations: { ...value.annotations, ...this.#change?.annotations },
      };
    }
    if (value && isMine && this.#isReleasing) {
      const { handTo } = this.#isReleasing;
      return { ...value, holder: undefined, handTo, renewals: value.renewals + 1 };
    }
    this.#isReleasing = undefined;
    return this.#contended(value);
  }

  #contended(value: LeaseValue | undefined): LeaseValue | undefined {
    const now = this.#clock.now();
    const isExpired =
      value === undefined || value.holder === undefined || value.holder === this.#id || now - this.#seenAt > TTL_MS;
    const isReserved = value?.handTo !== undefined && value.handTo !== this.#id && now - this.#seenAt < TTL_MS;
    if (!isExpired || isReserved || now < this.#pauseUntil) return undefined;
    const answer = this.#hooks.candidacy(value, now);
    if ("abstain" in answer) return undefined;
    const epoch = Math.max(value?.epoch ?? 0, answer.epochAbove ?? 0) + 1;
    const annotations = { ...value?.annotations, ...(answer.annotations as Record<string, string> | undefined) };
    return { holder: this.#id, epoch, annotations, renewals: 0, handTo: undefined };
  }

  /** A term counts from when its request was sent. An answer that comes after that is too late for a term. */
  #written(current: Versioned<LeaseValue>, value: LeaseValue, sentAt: number): void {
    if (this.#seen && current.version <= this.#seen.version) return;
    const isTaken = value.holder === this.#id && value.epoch !== this.termEpoch && value.renewals === 0;
    const deadline = sentAt + RENEW_DEADLINE_MS;
    this.#seen = current;
    this.#seenAt = this.#clock.now();
    this.observed = current.value;
    if (isTaken && this.#clock.now() < deadline) this.termEpoch = value.epoch;
    if (value.holder === this.#id && value.epoch === this.termEpoch)
      this.#deadline = Math.max(this.#deadline, deadline);
    if (value.holder === undefined) this.#isReleasing = undefined;
    const change = this.#change;
    if (change && Object.entries(change.annotations).every(([key, text]) => value.annotations[key] === text)) {
      this.#change = undefined;
      this.#hooks.changed();
      change.done(true);
    } else this.#hooks.changed();
  }
}
