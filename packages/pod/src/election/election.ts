/**
 * The driver of an election: one loop that reads, asks `decide`, and does what it says, one request at a time.
 *
 * Three rules make it safe whatever the network does:
 * 1. A term begins only with the acknowledged answer of a compare-and-swap, and its validity counts from before that request was sent.
 * 2. After a request whose outcome is unknown the Lease is read before anything else. A write that lands late fails on its
 *    resourceVersion, or leaves a Lease in our name without a term, which is taken again with a new epoch.
 * 3. Every request has a deadline; a term ends by the clock alone, whether or not the loop gets anywhere.
 */
import { type PodClock, systemClock } from "../clock.ts";
import { ElectionError, messageOf } from "../errors.ts";
import { Listeners } from "../listeners.ts";
import { silentLogger } from "../logging/logger.ts";
import type { Logger } from "../logging/types.ts";
import { type AnnotationChange, PendingAnnotations } from "./annotations.ts";
import { bounded } from "./calls.ts";
import { type Action, type Decide, decide, type View } from "./decide.ts";
import { watchLag } from "./lag.ts";
import { acquired, recordOf, renewed } from "./lease.ts";
import { LeaseHandle } from "./lease-handle.ts";
import type { ElectionOptions } from "./options.ts";
import { Sleeper } from "./sleeper.ts";
import { LiveTerm } from "./term.ts";
import { resolveTiming } from "./timing.ts";
import type {
  Candidacy,
  Election,
  ElectionListener,
  ElectionState,
  ElectionTiming,
  LeaseRecord,
  Term,
} from "./types.ts";

/** Throws ElectionError `config` when the timing is not safe. */
export function createElection(options: ElectionOptions): Election {
  return new LeaseElection(options, decide);
}

/** The same with another decision: only for tests that prove that a wrong one is caught. */
export function createElectionWith(options: ElectionOptions, decision: Decide): Election {
  return new LeaseElection(options, decision);
}

/** Conflicts are retried at once this many times in a row; after that somebody is fighting over the object. */
const promptRetries = 5;
const longestReleaseMs = 5_000;
/** Each abstention costs a read of the Lease. */
const minAbstentionMs = 50;
/** Retry periods for which who hands over does not take the Lease again: longer than others wait for whom it is handed to. */
const heldBackPeriods = 2;

interface Release {
  readonly handTo: string | undefined;
  readonly done: () => void;
}

class LeaseElection implements Election {
  readonly #options: ElectionOptions;
  readonly #decide: Decide;
  readonly #timing: ElectionTiming;
  readonly #clock: PodClock;
  readonly #random: () => number;
  readonly #logger: Logger;
  readonly #listeners: Listeners<ElectionState>;
  readonly #sleeper: Sleeper;
  readonly #lease: LeaseHandle;
  readonly #annotations = new PendingAnnotations();
  /** Ends requests under way when the election stops. */
  readonly #stopping = new AbortController();
  #term: LiveTerm | undefined;
  #yieldUntil = Number.NEGATIVE_INFINITY;
  #givesWayUntil = Number.NEGATIVE_INFINITY;
  #conflicts = 0;
  #releases: Release[] = [];
  #loop: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;
  #lastAbstention = "";
  #isAway = false;

  constructor(options: ElectionOptions, decision: Decide) {
    this.#options = options;
    this.#decide = decision;
    this.#timing = resolveTiming(options.timing);
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
    this.#logger = options.logger ?? silentLogger;
    this.#listeners = new Listeners(this.#logger);
    this.#sleeper = new Sleeper(this.#clock);
    this.#lease = new LeaseHandle({
      access: options.access,
      me: options.identity,
      timing: this.#timing,
      clock: this.#clock,
      logger: this.#logger,
      onChange: () => this.#notify(),
    });
  }

  get observed(): LeaseRecord | undefined {
    return this.#lease.observation?.record;
  }

  get term(): Term | undefined {
    return this.#term;
  }

  async start(): Promise<void> {
    if (this.#stopping.signal.aborted) throw new ElectionError("stopped", "the election was stopped; create a new one");
    if (this.#loop) return;
    this.#loop = this.#run();
    void this.#followHints();
    this.#watchLag();
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stopOnce();
    return this.#stopped;
  }

  async stepDown(reason: string, handTo?: string): Promise<void> {
    if (!this.#term) return;
    if (handTo === undefined) this.yieldFor(this.#timing.leaseDurationMs);
    else this.#givesWayUntil = this.#clock.now() + this.#timing.retryPeriodMs * heldBackPeriods;
    const done = new Promise<void>((resolve) => this.#releases.push({ handTo, done: resolve }));
    this.#term.end(handTo === undefined ? reason : `${reason}; handing over to ${handTo}`);
    await done;
  }

  annotate(change: AnnotationChange): Promise<LeaseRecord> {
    if (!this.#term?.isValid())
      return Promise.reject(new ElectionError("not-leader", "this pod does not hold the Lease"));
    const written = this.#annotations.add(change);
    this.#sleeper.wake();
    return written;
  }

  yieldFor(ms: number): void {
    this.#yieldUntil = Math.max(this.#yieldUntil, this.#clock.now() + ms);
  }

  subscribe(listener: ElectionListener): () => void {
    this.#listeners.tellOne(listener, this.#state());
    return this.#listeners.add(listener);
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const pauseMs = await this.#step().then(
        (ms) => this.#succeeded(ms),
        (error: unknown) => this.#failed(error),
      );
      if (!signal.aborted) await this.#sleeper.sleep(pauseMs);
    }
  }

  /** One round; returns how long to wait before the next, in milliseconds. */
  async #step(): Promise<number> {
    if (this.#releases.length > 0) await this.#serveReleases();
    if (!this.#term || this.#lease.isUncertain) await this.#lease.read(this.#stopping.signal);
    return this.#perform(this.#decide(this.#view(), this.#clock.now()));
  }

  #perform(action: Action): Promise<number> | number {
    switch (action.kind) {
      case "take":
        return this.#take();
      case "renew":
        return this.#renew();
      case "end":
        this.#term?.end(action.reason);
        return 0;
      case "release":
        return this.#releasePredecessor();
      case "wait":
        return Math.max(1, Math.min(this.#candidatePause(), action.until - this.#clock.now()));
    }
  }

  async #take(): Promise<number> {
    const candidacy = await this.#askCandidate();
    if ("abstain" in candidacy) return this.#abstain(candidacy.abstain, candidacy.retryMs);
    this.#lastAbstention = "";
    const epoch = Math.max(this.#lease.highestEpoch, candidacy.epochAbove ?? 0) + 1;
    const taken = acquired(this.#lease.observation?.lease, this.#options.access.name, {
      me: this.#options.identity,
      epoch,
      durationMs: this.#timing.leaseDurationMs,
      wallMs: this.#clock.wallMs(),
      annotations: candidacy.annotations ?? {},
    });
    const sentAt = this.#clock.now();
    if (!(await this.#lease.write("take the Lease", taken, this.#stopping.signal))) return this.#conflicted();
    return this.#begin(epoch, sentAt + this.#timing.renewDeadlineMs);
  }

  /** A promise to hold back that was given while the request was under way still counts, and an answer that came too late begins nothing. */
  #begin(epoch: number, validUntil: number): number {
    this.#conflicts = 0;
    const now = this.#clock.now();
    if (now >= validUntil || now < this.#yieldUntil || this.#stopping.signal.aborted) {
      this.#releases.push({ handTo: undefined, done: () => undefined });
      return 0;
    }
    this.#term = new LiveTerm(epoch, validUntil, this.#clock, (reason) => this.#ended(epoch, reason));
    this.#logger.info("became leader", { lease: this.#options.access.name, epoch });
    this.#notify();
    return this.#holderPause();
  }

  /** Whoever is up already goes first; this process has only just started. */
  async #releasePredecessor(): Promise<number> {
    this.#logger.info("releasing the Lease that an earlier process of this pod left", { epoch: this.observed?.epoch });
    await this.#lease.release(undefined, this.#stopping.signal);
    this.yieldFor(this.#timing.retryPeriodMs);
    return this.#timing.retryPeriodMs;
  }

  async #renew(): Promise<number> {
    const term = this.#term;
    const base = this.#lease.observation?.lease;
    if (!term || !base) return 0;
    const { change, written } = this.#annotations.apply(base.metadata?.annotations ?? {});
    const sentAt = this.#clock.now();
    const lease = renewed(base, this.#clock.wallMs(), change);
    if (!(await this.#lease.write("renew the Lease", lease, this.#stopping.signal))) return this.#conflicted();
    this.#conflicts = 0;
    term.extend(sentAt + this.#timing.renewDeadlineMs);
    if (!term.isValid()) return 0;
    written(this.#lease.observation?.record ?? recordOf(lease));
    return this.#holderPause();
  }

  /** Reads at once, so that a holder who is still the holder can retry at once. */
  async #conflicted(): Promise<number> {
    await this.#lease.read(this.#stopping.signal);
    this.#conflicts++;
    return this.#term && this.#conflicts <= promptRetries ? 0 : this.#candidatePause() / 2;
  }

  /** The API is away or slow: a holder goes on until its term ends by the clock, a candidate goes on asking. Said once per outage. */
  #failed(error: unknown): number {
    if (!this.#stopping.signal.aborted && !this.#isAway) {
      this.#isAway = true;
      const remainingMs = this.#term && Math.round(this.#term.remainingMs());
      this.#logger.warn("the Lease can't be reached; retrying", { reason: messageOf(error), remainingMs });
    }
    return this.#candidatePause() / 2;
  }

  #succeeded(pauseMs: number): number {
    if (this.#isAway) this.#logger.info("the Lease can be reached again");
    this.#isAway = false;
    return pauseMs;
  }

  async #askCandidate(): Promise<Candidacy> {
    const { candidacy } = this.#options;
    if (!candidacy) return {};
    try {
      const asked = async () => candidacy(this.observed);
      const answer = await bounded("candidacy", this.#clock, this.#timing.retryPeriodMs, this.#stopping.signal, asked);
      return this.#clock.now() < this.#yieldUntil ? { abstain: "promised to hold back" } : answer;
    } catch (error) {
      return { abstain: messageOf(error) };
    }
  }

  #abstain(reason: string, retryMs = Number.POSITIVE_INFINITY): number {
    if (reason !== this.#lastAbstention) this.#logger.info("not taking the Lease", { reason });
    this.#lastAbstention = reason;
    return Math.max(minAbstentionMs, Math.min(retryMs, this.#candidatePause()));
  }

  #ended(epoch: number, reason: string): void {
    this.#term = undefined;
    this.#logger.info("no longer leader", { lease: this.#options.access.name, epoch, reason });
    this.#annotations.rejectAll(new ElectionError("not-leader", `epoch ${epoch} is over: ${reason}`));
    this.#notify();
    this.#sleeper.wake();
  }

  async #serveReleases(): Promise<void> {
    const releases = this.#releases.splice(0);
    try {
      const handTo = releases.find((release) => release.handTo !== undefined)?.handTo;
      await this.#lease.release(handTo, this.#stopping.signal);
    } finally {
      for (const { done } of releases) done();
    }
  }

  /** Leadership ends before the Lease is let go: never the other way round. */
  async #stopOnce(): Promise<void> {
    this.#term?.end("the election stops");
    this.#stopping.abort(new ElectionError("stopped", "the election stops"));
    this.#sleeper.wake();
    await this.#loop;
    await this.#lastRelease();
    for (const { done } of this.#releases.splice(0)) done();
    this.#listeners.clear();
  }

  async #lastRelease(): Promise<void> {
    const limit = new AbortController();
    const withinMs = Math.min(this.#timing.renewDeadlineMs, longestReleaseMs);
    const late = new ElectionError("deadline", `no release within ${withinMs} ms`);
    const cancel = this.#clock.after(withinMs, () => limit.abort(late));
    await this.#lease
      .release(undefined, limit.signal)
      .catch((error: unknown) =>
        this.#logger.warn("the Lease could not be released; it will expire", { reason: messageOf(error) }),
      );
    cancel();
  }

  /**
   * A hint wakes the loop, which reads for itself: events may come late or out of order, reads don't. Renewals wake it too: a candidate that
   * sees each one when it happens knows to the millisecond when the holder's word runs out.
   */
  async #followHints(): Promise<void> {
    const hints = this.#options.access.watch?.(this.#stopping.signal);
    if (!hints) return;
    try {
      for await (const lease of hints) {
        if (!this.#term && this.#lease.isNews(lease)) this.#sleeper.wake();
      }
    } catch (error) {
      this.#logger.warn("the Lease can't be watched; polling it instead", { reason: messageOf(error) });
    }
  }

  #watchLag(): void {
    const { renewDeadlineMs } = this.#timing;
    const stop = watchLag(this.#clock, { everyMs: renewDeadlineMs / 10, warnMs: renewDeadlineMs / 4 }, (lagMs) =>
      this.#logger.warn("the event loop is starved; a term may be lost by it", { lagMs: Math.round(lagMs) }),
    );
    this.#stopping.signal.addEventListener("abort", stop, { once: true });
  }

  #view(): View {
    const { observation } = this.#lease;
    const { identity: me, predecessor = "release" } = this.#options;
    const [yieldUntil, givesWayUntil] = [this.#yieldUntil, this.#givesWayUntil];
    return { me, timing: this.#timing, observation, term: this.#term, yieldUntil, givesWayUntil, predecessor };
  }

  #state(): ElectionState {
    return { observed: this.observed, term: this.#term };
  }

  #notify(): void {
    this.#listeners.tell(this.#state());
  }

  /** Candidates scatter over a whole period, so that they don't take in step. */
  #candidatePause(): number {
    return this.#timing.retryPeriodMs * (1 + this.#random());
  }

  #holderPause(): number {
    return this.#timing.retryPeriodMs * (0.8 + 0.4 * this.#random());
  }
}
