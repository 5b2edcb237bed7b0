/** Clients of a simulated group, and the history of what they saw. */
import type { Operation, Random, RegisterInput, Scheduler } from "@coracle/sim";
import type { SimNode } from "./node.ts";

const KEYS = ["x", "y", "z"];
const TIMEOUT_MS = 2000;

export class Clients {
  readonly history: Operation<RegisterInput, string | undefined>[] = [];
  /** Ids of the writes that were acknowledged to a client. */
  readonly acknowledged = new Set<number>();
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #ids: readonly string[];
  readonly #node: (id: string) => SimNode | undefined;
  #nextId = 1;
  #isOver = false;

  constructor(scheduler: Scheduler, random: Random, ids: readonly string[], node: (id: string) => SimNode | undefined) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.#ids = ids;
    this.#node = node;
  }

  start(count: number): void {
    for (let i = 0; i < count; i++) this.#client(`c${i}`);
  }

  stop(): void {
    this.#isOver = true;
  }

  /** One operation after the other; goes to whom it believes to be the primary, and tries others when that fails. */
  #client(name: string): void {
    const random = this.#random.fork();
    let target = random.pick(this.#ids);
    const again = (isGood: boolean) => {
      if (!isGood) target = random.pick(this.#ids);
      if (!this.#isOver) this.#scheduler.after(random.between(1, 60), next);
    };
    const next = () => {
      if (random.chance(0.4)) this.#read(name, target, random.pick(KEYS), again);
      else this.#write(name, target, random.pick(KEYS), again);
    };
    next();
  }

  #write(client: string, target: string, key: string, again: (isGood: boolean) => void): void {
    const id = this.#nextId++;
    const value = `v${id}`;
    const calledAt = this.#scheduler.now;
    const input = { type: "write" as const, value };
    this.#call<"ok" | "refused" | "unknown">(
      target,
      (node, answer) => node.propose({ id, key, value }, answer),
      (result) => {
        if (result === "refused") return again(false);
        const isOk = result === "ok";
        if (isOk) this.acknowledged.add(id);
        const returnedAt = isOk ? this.#scheduler.now : Infinity;
        this.history.push({ client, key, input, calledAt, returnedAt, output: isOk ? "ok" : undefined });
        again(isOk);
      },
      "unknown",
    );
  }

  #read(client: string, target: string, key: string, again: (isGood: boolean) => void): void {
    const calledAt = this.#scheduler.now;
    this.#call<{ readonly value: string | undefined } | undefined>(
      target,
      (node, answer) => node.read(key, (value) => answer({ value })),
      (result) => {
        if (result) {
          this.history.push({
            client,
            key,
            input: { type: "read" },
            calledAt,
            returnedAt: this.#scheduler.now,
            output: result.value,
          });
        }
        again(result !== undefined);
      },
      undefined,
    );
  }

  /** A request over a client's own connection; `late` is the outcome when no answer comes. */
  #call<R>(
    target: string,
    request: (node: SimNode, answer: (result: R) => void) => void,
    done: (result: R) => void,
    late: R,
  ): void {
    let isDone = false;
    const finish = (result: R) => {
      if (isDone) return;
      isDone = true;
      done(result);
    };
    this.#scheduler.after(TIMEOUT_MS, () => finish(late));
    this.#scheduler.after(this.#random.between(0.1, 5), () => {
      const node = this.#node(target);
      if (node) request(node, (result) => this.#scheduler.after(this.#random.between(0.1, 5), () => finish(result)));
    });
  }
}
