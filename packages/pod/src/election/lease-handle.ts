/** One process's hold on the Lease object: what it last saw of it, and requests that never hang and never leave their outcome in doubt. */
import type { Lease } from "kubernetes-types/coordination/v1.js";
import type { PodClock } from "../clock.ts";
import { messageOf } from "../errors.ts";
import type { Logger } from "../logging/types.ts";
import { bounded } from "./calls.ts";
import { type Observation, observe } from "./decide.ts";
import {
  type Contender,
  isHeldBy,
  isHeldByPredecessor,
  isSameRecord,
  recordOf,
  released,
  signOfLife,
} from "./lease.ts";
import type { LeaseAccess } from "./options.ts";
import type { ElectionTiming, LeaseRecord } from "./types.ts";

export interface LeaseHandleOptions {
  readonly access: LeaseAccess;
  readonly me: Contender;
  readonly timing: ElectionTiming;
  readonly clock: PodClock;
  readonly logger: Logger;
  /** Called after the record changed (not when it was merely renewed). */
  readonly onChange: () => void;
}

const releaseAttempts = 3;

const isOurs = (record: LeaseRecord, me: Contender): boolean => isHeldBy(record, me) || isHeldByPredecessor(record, me);

export class LeaseHandle {
  readonly #options: LeaseHandleOptions;
  #observation: Observation | undefined;
  #highestEpoch = 0;
  #isUncertain = false;

  constructor(options: LeaseHandleOptions) {
    this.#options = options;
  }

  get observation(): Observation | undefined {
    return this.#observation;
  }

  /** Of all that was ever seen, so that a Lease that was deleted and made anew doesn't set the epochs back. */
  get highestEpoch(): number {
    return this.#highestEpoch;
  }

  /** A write was sent whose outcome is unknown: read before anything else. */
  get isUncertain(): boolean {
    return this.#isUncertain;
  }

  /** Whether this reading differs from the last in what it says or in the holder's sign of life. */
  isNews(lease: Lease | undefined): boolean {
    const known = this.#observation?.lease;
    if (known === undefined || lease === undefined) return known !== lease;
    return signOfLife(known) !== signOfLife(lease) || !isSameRecord(recordOf(known), recordOf(lease));
  }

  async read(stop: AbortSignal): Promise<void> {
    const { access } = this.#options;
    const lease = await this.#call("read the Lease", stop, (signal) => access.read(signal));
    this.#isUncertain = false;
    this.#saw(lease);
  }

  /** Creates the Lease when nothing was seen, otherwise replaces what was. False on a conflict; throws when the outcome is unknown. */
  async write(what: string, lease: Lease, stop: AbortSignal): Promise<boolean> {
    const { access } = this.#options;
    const isNew = this.#observation?.lease === undefined;
    this.#isUncertain = true;
    const answer = await this.#call(what, stop, (signal) =>
      isNew ? access.create(lease, signal) : access.replace(lease, signal),
    );
    if (answer === "conflict") return false;
    this.#isUncertain = false;
    this.#saw(answer);
    return true;
  }

  /** Lets the Lease go if it is in our name, or in that of an earlier process of this pod. Throws when that could not be done; it then expires. */
  async release(handTo: string | undefined, stop: AbortSignal): Promise<void> {
    const { me, clock } = this.#options;
    for (let attempt = 0; attempt < releaseAttempts; attempt++) {
      if (this.#isUncertain) await this.read(stop);
      const lease = this.#observation?.lease;
      if (!lease || !isOurs(recordOf(lease), me)) return;
      const isReleased = await this.write("release the Lease", released(lease, clock.wallMs(), handTo), stop).catch(
        (error: unknown) => this.#warn("the Lease could not be released", error),
      );
      if (isReleased) return;
    }
  }

  #warn(message: string, error: unknown): false {
    this.#options.logger.warn(message, { reason: messageOf(error) });
    return false;
  }

  /** Half the renew deadline, so that a hung call leaves room for another. */
  #call<T>(what: string, stop: AbortSignal, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { clock, timing } = this.#options;
    return bounded(what, clock, timing.renewDeadlineMs / 2, stop, run);
  }

  #saw(lease: Lease | undefined): void {
    const { clock, timing, onChange } = this.#options;
    const before = this.#observation?.record;
    this.#observation = observe(this.#observation, lease, clock.now(), timing.leaseDurationMs);
    this.#highestEpoch = Math.max(this.#highestEpoch, this.#observation.record.epoch);
    if (!isSameRecord(before, this.#observation.record)) onChange();
  }
}
