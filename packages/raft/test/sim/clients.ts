/** Clients of a simulated group, and the history of what they saw. */
import type { Operation, Random, RegisterInput, Scheduler } from "@coracle/sim";
import type { Outcome, SimNode } from "./node.ts";

const KEYS = ["x", "y", "z"];
const TIMEOUT_MS = 2500;

export class Clients {
  readonly history: Operation<RegisterInput, string | undefined>[] = [];
  /** Ids of the writes that were acknowledged to a client. */
  readonly acknowledged = new Set<number>();
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #running: () => readonly SimNode[];
  #nextId = 1;
  #isOver = false;

  constructor(scheduler: Scheduler, random: Random, running: () => readonly SimNode[]) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.#running = running;
  }

  start(count: number): void {
    for (let i = 0; i < count; i++) this.#client(`c${i}`);
  }

  stop(): void {
    this.#isOver = true;
  }

  /** One operation after the other, at any member. */
  #client(name: string): void {
    const random = this.#random.fork();
    const next = () => {
      if (this.#isOver) return;
      const again = () => this.#scheduler.after(random.between(1, 80), next);
      const running = this.#running();
      if (running.length === 0) again();
      else if (random.chance(0.4)) this.#read(name, random.pick(running), random.pick(KEYS), again);
      else this.#write(name, random.pick(running), random.pick(KEYS), again);
    };
    next();
  }

  #write(client: string, node: SimNode, key: string, again: () => void): void {
    const id = this.#nextId++;
    const value = `v${id}`;
    const calledAt = this.#scheduler.now;
    this.#call<Outcome>(
      (answer) => node.propose({ id, key, value }, answer),
      (outcome = "unknown") => {
        if (outcome !== "refused") this.#record(client, key, value, calledAt, outcome === "ok" ? id : undefined);
        again();
      },
    );
  }

  #record(client: string, key: string, value: string, calledAt: number, acknowledged: number | undefined): void {
    const isOk = acknowledged !== undefined;
    if (isOk) this.acknowledged.add(acknowledged);
    const outcome = { returnedAt: isOk ? this.#scheduler.now : Infinity, output: isOk ? "ok" : undefined };
    this.history.push({ client, key, input: { type: "write", value }, calledAt, ...outcome });
  }

  #read(client: string, node: SimNode, key: string, again: () => void): void {
    const calledAt = this.#scheduler.now;
    this.#call<{ readonly value: string | undefined }>(
      (answer) => node.read(key, (value) => answer({ value })),
      (result) => {
        const returnedAt = this.#scheduler.now;
        if (result)
          this.history.push({ client, key, input: { type: "read" }, calledAt, returnedAt, output: result.value });
        again();
      },
    );
  }

  /** A request over a client's own connection; undefined when no answer comes. */
  #call<R>(request: (answer: (result: R) => void) => void, done: (result: R | undefined) => void): void {
    let isDone = false;
    const finish = (result: R | undefined) => {
      if (isDone) return;
      isDone = true;
      done(result);
    };
    this.#scheduler.after(TIMEOUT_MS, () => finish(undefined));
    this.#scheduler.after(this.#random.between(0.1, 5), () =>
      request((result) => this.#scheduler.after(this.#random.between(0.1, 5), () => finish(result))),
    );
  }
}
