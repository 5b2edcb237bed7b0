/** Clients of a simulated group that keeps registers, and the history of what they saw. */
import type { Operation, RegisterInput } from "./linearizability.ts";
import type { Random } from "./random.ts";
import type { Scheduler } from "./scheduler.ts";

const KEYS = ["x", "y", "z"];
const READS = 0.4;

/** A write; each has an id of its own. */
export interface RegisterWrite {
  readonly id: number;
  readonly key: string;
  readonly value: string;
}

/** `refused`: certainly not done. */
export type WriteOutcome = "ok" | "refused" | "unknown";

/** The group as clients see it; `Target` is whatever a request is sent to. No answer at all is possible. */
export interface RegisterService<Target> {
  /** Whom a client may try now. */
  targets(): readonly Target[];
  write(target: Target, write: RegisterWrite, answer: (outcome: WriteOutcome) => void): void;
  /** Answers with the value that is read, or never where it can't be read. */
  read(target: Target, key: string, answer: (value: string | undefined) => void): void;
}

export interface RegisterClientsOptions {
  /** When a request without an answer is given up. */
  readonly timeoutMs: number;
  /** Longest pause between two requests of one client. */
  readonly pauseMs: number;
  /** Whether a client stays with a target that has served it. */
  readonly staysWithGood: boolean;
}

export class RegisterClients<Target> {
  readonly history: Operation<RegisterInput, string | undefined>[] = [];
  /** Ids of the writes that were acknowledged to a client. */
  readonly acknowledged = new Set<number>();
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #service: RegisterService<Target>;
  readonly #options: RegisterClientsOptions;
  #nextId = 1;
  #isOver = false;
  #open = 0;

  constructor(scheduler: Scheduler, random: Random, service: RegisterService<Target>, options: RegisterClientsOptions) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.#service = service;
    this.#options = options;
  }

  start(count: number): void {
    for (let i = 0; i < count; i++) this.#client(`c${i}`);
  }

  stop(): void {
    this.#isOver = true;
  }

  /** Every request so far was answered or given up: the history is whole. */
  get isIdle(): boolean {
    return this.#open === 0;
  }

  /** One operation after the other. */
  #client(name: string): void {
    const random = this.#random.fork();
    const { pauseMs, staysWithGood } = this.#options;
    let target: Target | undefined;
    const again = (isGood: boolean): void => {
      if (!isGood || !staysWithGood) target = undefined;
      this.#scheduler.after(random.between(1, pauseMs), next);
    };
    const next = (): void => {
      if (this.#isOver) return;
      const targets = this.#service.targets();
      if (targets.length === 0) again(false);
      else {
        const isRead = random.chance(READS);
        target ??= random.pick(targets);
        const key = random.pick(KEYS);
        if (isRead) this.#read(name, target, key, again);
        else this.#write(name, target, key, again);
      }
    };
    next();
  }

  #write(client: string, target: Target, key: string, again: (isGood: boolean) => void): void {
    const id = this.#nextId++;
    const value = `v${id}`;
    const calledAt = this.#scheduler.now;
    this.#call<WriteOutcome>(
      (answer) => this.#service.write(target, { id, key, value }, answer),
      (outcome = "unknown") => {
        const isOk = outcome === "ok";
        if (isOk) this.acknowledged.add(id);
        const seen = { returnedAt: isOk ? this.#scheduler.now : Infinity, output: isOk ? "ok" : undefined };
        if (outcome !== "refused")
          this.history.push({ client, key, input: { type: "write", value }, calledAt, ...seen });
        again(isOk);
      },
    );
  }

  #read(client: string, target: Target, key: string, again: (isGood: boolean) => void): void {
    const calledAt = this.#scheduler.now;
    this.#call<{ readonly value: string | undefined }>(
      (answer) => this.#service.read(target, key, (value) => answer({ value })),
      (result) => {
        const returnedAt = this.#scheduler.now;
        if (result)
          this.history.push({ client, key, input: { type: "read" }, calledAt, returnedAt, output: result.value });
        again(result !== undefined);
      },
    );
  }

  /** A request over a client's own connection; undefined when no answer comes. */
  #call<R>(request: (answer: (result: R) => void) => void, done: (result: R | undefined) => void): void {
    let isDone = false;
    this.#open++;
    const finish = (result: R | undefined): void => {
      if (isDone) return;
      isDone = true;
      this.#open--;
      giveUp();
      done(result);
    };
    const giveUp = this.#scheduler.after(this.#options.timeoutMs, () => finish(undefined));
    this.#scheduler.after(this.#random.between(0.1, 5), () =>
      request((result) => this.#scheduler.after(this.#random.between(0.1, 5), () => finish(result))),
    );
  }
}
