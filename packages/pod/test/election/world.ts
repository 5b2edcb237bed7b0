/** A world for elections: true time, processes whose clocks run at their own rates and that may be paused, and an API server with faults. */
import type { Lease } from "kubernetes-types/coordination/v1.js";
import type { PodClock } from "../../src/clock.ts";
import type { LeaseAccess } from "../../src/election/options.ts";

/** A message in a sick network takes up to this long. */
export const slowestMs = 25_000;

interface Entry {
  readonly at: number;
  readonly run: () => void;
  isCancelled: boolean;
}

/** True time, in milliseconds. Runs one event at a time and lets every promise settle before the next. */
export class World {
  now = 0;
  readonly random: () => number;
  readonly #queue: Entry[] = [];

  constructor(random: () => number) {
    this.random = random;
  }

  at(time: number, run: () => void): () => void {
    const entry: Entry = { at: time, run, isCancelled: false };
    let low = 0;
    for (let high = this.#queue.length; low < high; ) {
      const middle = (low + high) >> 1;
      if ((this.#queue[middle]?.at ?? 0) <= time) low = middle + 1;
      else high = middle;
    }
    this.#queue.splice(low, 0, entry);
    return () => {
      entry.isCancelled = true;
    };
  }

  /** `check` runs after each event. */
  async runUntil(time: number, check: () => void): Promise<void> {
    for (let next = this.#queue[0]; next && next.at <= time; next = this.#queue[0]) {
      this.#queue.shift();
      if (next.isCancelled) continue;
      this.now = next.at;
      next.run();
      await new Promise(setImmediate);
      check();
    }
    this.now = time;
  }

  chance(probability: number): boolean {
    return this.random() < probability;
  }

  between(low: number, high: number): number {
    return low + this.random() * (high - low);
  }
}

/** One process: everything that makes its code run goes through `deliver`, so that it can be paused or killed. */
export class Process {
  readonly world: World;
  readonly clock: PodClock;
  readonly rate: number;
  #state: "running" | "paused" | "dead" = "running";
  #waiting: (() => void)[] = [];
  #wallOffset: number;

  constructor(world: World) {
    this.world = world;
    this.rate = world.between(0.9, 1.1);
    this.#wallOffset = world.between(-3_600_000, 3_600_000);
    const origin = world.between(0, 1e6);
    this.clock = {
      now: () => origin + world.now * this.rate,
      wallMs: () => Math.floor(1_700_000_000_000 + this.#wallOffset),
      after: (ms, callback) => world.at(world.now + ms / this.rate, () => this.deliver(callback)),
    };
  }

  get isAlive(): boolean {
    return this.#state !== "dead";
  }

  get isRunning(): boolean {
    return this.#state === "running";
  }

  deliver(run: () => void): void {
    if (this.#state === "running") run();
    else if (this.#state === "paused") this.#waiting.push(run);
  }

  pause(): void {
    if (this.#state === "running") this.#state = "paused";
  }

  resume(): void {
    if (this.#state !== "paused") return;
    this.#state = "running";
    for (const run of this.#waiting.splice(0)) this.world.at(this.world.now, () => this.deliver(run));
  }

  kill(): void {
    this.#state = "dead";
    this.#waiting = [];
  }

  /** The wall clock stands still but for this: elections must not care. */
  jumpWall(ms: number): void {
    this.#wallOffset += ms;
  }
}

/** The one Lease, with compare-and-swap as the API server does it. */
export class LeaseServer {
  lease: Lease | undefined;
  /** Every annotation key that was ever written. */
  readonly written = new Set<string>();
  isAway = false;
  faultRate = 0;
  readonly #world: World;
  readonly #onTaken: (lease: Lease) => void;
  readonly #watchers = new Set<() => void>();
  #version = 0;

  constructor(world: World, onTaken: (lease: Lease) => void) {
    this.#world = world;
    this.#onTaken = onTaken;
  }

  accessFor(process: Process): LeaseAccess {
    return {
      name: "test",
      read: () => this.#request(process, () => this.lease),
      create: (lease) => this.#request(process, () => (this.lease ? "conflict" : this.#store(lease))),
      replace: (lease) =>
        this.#request(process, () =>
          this.lease?.metadata?.resourceVersion === lease.metadata?.resourceVersion && this.lease
            ? this.#store(lease)
            : "conflict",
        ),
      watch: (signal) => this.#watch(process, signal),
    };
  }

  /** Somebody else annotates the object. */
  touch(): void {
    if (this.lease) this.#store({ ...this.lease, metadata: { ...this.lease.metadata, labels: { touched: "yes" } } });
  }

  /** The way there and the way back may each be slow or lost; what is lost is answered by nothing at all. */
  #request<T>(process: Process, apply: () => T): Promise<T> {
    const world = this.#world;
    return new Promise((resolve, reject) => {
      if (this.isAway && world.chance(0.5)) {
        world.at(world.now + 1, () => process.deliver(() => reject(new Error("connection refused"))));
        return;
      }
      if (this.isAway || world.chance(this.faultRate / 3)) return;
      const failsBefore = world.chance(this.faultRate / 3);
      const losesAnswer = world.chance(this.faultRate / 3);
      world.at(world.now + this.#delay(), () => {
        if (failsBefore) return void this.#answer(process, () => reject(new Error("500 before")));
        const result = apply();
        if (losesAnswer) return;
        if (world.chance(this.faultRate / 6)) return void this.#answer(process, () => reject(new Error("500 after")));
        this.#answer(process, () => resolve(result));
      });
    });
  }

  #answer(process: Process, run: () => void): void {
    this.#world.at(this.#world.now + this.#delay(), () => process.deliver(run));
  }

  #delay(): number {
    const world = this.#world;
    return world.chance(this.faultRate / 2) ? world.between(0, slowestMs) : world.between(0.5, 20);
  }

  #store(lease: Lease): Lease {
    const before = this.lease?.spec;
    this.#version++;
    this.lease = structuredClone({ ...lease, metadata: { ...lease.metadata, resourceVersion: String(this.#version) } });
    for (const key of Object.keys(this.lease.metadata?.annotations ?? {})) this.written.add(key);
    if (lease.spec?.holderIdentity && lease.spec.leaseTransitions !== before?.leaseTransitions)
      this.#onTaken(this.lease);
    for (const tell of [...this.#watchers]) tell();
    return structuredClone(this.lease);
  }

  async *#watch(process: Process, signal: AbortSignal): AsyncGenerator<Lease | undefined> {
    let wake: () => void = () => undefined;
    const tell = () => {
      if (!this.isAway && !this.#world.chance(this.faultRate)) this.#answer(process, () => wake());
    };
    this.#watchers.add(tell);
    signal.addEventListener("abort", () => wake(), { once: true });
    while (!signal.aborted) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
      if (!signal.aborted) yield this.lease;
    }
    this.#watchers.delete(tell);
  }
}
