/** Clients that go on operating through whatever happens. */
import { setTimeout as delay } from "node:timers/promises";
import type { Random } from "@coracle/sim";
import { DrillError } from "./errors.ts";
import { createNames } from "./names.ts";
import type { Access, DrillPlugin, OperationKind, Outcome } from "./plugin.ts";
import type { Recorder } from "./recorder.ts";

/** Between a client's operations: leaves the machine some time, and keeps histories at a length that can be checked. */
const THINK_MS = 4;
/** After a failure. */
const RETRY_MS = 25;
const MAX_READ_BACK_TRIES = 400;

export interface LoadOptions<State, In, Out> {
  readonly plugin: DrillPlugin<State, In, Out>;
  readonly access: Access;
  readonly recorder: Recorder<In, Out>;
  readonly random: Random;
  readonly clients: number;
  /** Shares by the operations' names. */
  readonly mix: Readonly<Record<string, number>>;
  readonly prefix: string;
}

export interface Load {
  /** Ends every client after its operation under way. */
  stop(): Promise<void>;
}

export function startLoad<State, In, Out>(options: LoadOptions<State, In, Out>): Load {
  const { plugin, recorder, random, clients, prefix } = options;
  const names = createNames(prefix, random.fork());
  const pick = picker(plugin.operations, options.mix);
  let isStopping = false;
  const run = async (id: string, own: Random): Promise<void> => {
    const client = plugin.connect(options.access);
    while (!isStopping) {
      const { plan, isWrite } = pick(own);
      const { key, input } = plan(names, own);
      const calledAt = recorder.now();
      const outcome = await client.perform(key, input);
      recorder.note({ client: id, key, input, calledAt }, isWrite, outcome);
      await delay(outcome.kind === "done" ? THINK_MS : RETRY_MS);
    }
    client.close();
  };
  const running = Array.from({ length: clients }, (_, n) => run(`c${n}`, random.fork()));
  return {
    stop: async () => {
      isStopping = true;
      await Promise.all(running);
    },
  };
}

/** Draws operations by their shares. Throws `bad-plan` for a name that the system does not know. */
export function picker<In>(
  operations: Readonly<Record<string, OperationKind<In>>>,
  mix: Readonly<Record<string, number>>,
): (random: Random) => OperationKind<In> {
  const shares = Object.entries(mix).map(([name, share]) => {
    const operation = operations[name];
    if (!operation)
      throw new DrillError(
        "bad-plan",
        `There is no operation ${name}. This system has: ${Object.keys(operations).join(", ")}.`,
      );
    return { operation, share };
  });
  const total = shares.reduce((sum, { share }) => sum + share, 0);
  if (!(total > 0)) throw new DrillError("bad-plan", "The mix of operations is empty.");
  return (random) => {
    let left = random.next() * total;
    for (const { operation, share } of shares) {
      left -= share;
      if (left < 0) return operation;
    }
    return (shares.at(-1) as (typeof shares)[number]).operation;
  };
}

/** Reads every key that was written, so that the end of its history is known. Resolves with the keys that could not be read. */
export async function readBack<State, In, Out>(options: LoadOptions<State, In, Out>): Promise<string[]> {
  const { plugin, access, recorder, clients } = options;
  const keys = [...new Set(recorder.history.map(({ key }) => key))];
  const unread: string[] = [];
  const run = async (): Promise<void> => {
    const client = plugin.connect(access);
    for (let key = keys.pop(); key !== undefined; key = keys.pop()) {
      const calledAt = recorder.now();
      const outcome = await insist(() => client.perform(key as string, plugin.readBack));
      if (outcome.kind !== "done") unread.push(key);
      else
        recorder.history.push({
          client: READER,
          key,
          input: plugin.readBack,
          calledAt,
          returnedAt: recorder.now(),
          output: outcome.output,
        });
    }
    client.close();
  };
  await Promise.all(Array.from({ length: clients }, run));
  return unread;
}

/** The client of the last reads. */
export const READER = "reader";

async function insist<Out>(ask: () => Promise<Outcome<Out>>): Promise<Outcome<Out>> {
  for (let left = MAX_READ_BACK_TRIES; ; left--) {
    const outcome = await ask();
    if (outcome.kind === "done" || left === 0) return outcome;
    await delay(RETRY_MS);
  }
}
