/** What the applier hands to a state machine, one thing at a time, that may take its time. */
import { expect, it } from "vitest";
import type { Core } from "../src/core/core.ts";
import type { LogEntry } from "../src/core/types.ts";
import { Applier } from "../src/driver/applier.ts";
import type { StateMachine } from "../src/index.ts";
import { entry, membershipOf } from "./support/cores.ts";
import { until } from "./support/group.ts";
import { ListMachine } from "./support/machine.ts";

/** A state machine that answers when it is told to. */
class SlowMachine {
  readonly list = new ListMachine();
  readonly under: (() => void)[] = [];

  readonly stateMachine: StateMachine = {
    applied: () => this.list.applied(),
    apply: (entries) => new Promise((resolve) => this.under.push(() => resolve(this.list.apply(entries)))),
    snapshot: () => this.list.snapshot(),
    restore: (index, chunks) => this.list.restore(index, chunks),
    membersChanged: (members) => this.list.membersChanged(members),
  };

  async finish(): Promise<void> {
    await until(() => this.under.length > 0, "something to be under way");
    this.under.shift()?.();
  }
}

/** A command, behind its proposal's id. */
const command = (index: number, text: string): LogEntry => entry(index, 1, `proposal-id-${text}`);

function open(log: readonly LogEntry[]) {
  const machine = new SlowMachine();
  const results: unknown[] = [];
  const failures: unknown[] = [];
  const core = {
    base: { index: 0 },
    entries: (from: number, to: number) => log.slice(from - 1, to),
  } as unknown as Core;
  const applier = new Applier(core, machine.stateMachine, 0, {
    applied: (_, settled) => void results.push(...settled),
    restored: () => undefined,
    fail: (error) => void failures.push(error),
  });
  return { machine, applier, results, failures };
}

it("a state machine that takes its time is asked for nothing else meanwhile, and nobody is answered before", async () => {
  const { machine, applier, results } = open([command(1, "a"), command(2, "b"), command(3, "c")]);
  applier.advance(2);
  applier.advance(3);
  const second = applier.waitFor(2);
  await new Promise(setImmediate);
  expect([machine.under.length, applier.applied, results]).toEqual([1, 0, []]);
  await machine.finish();
  await second;
  expect([applier.applied, results]).toEqual([2, [1, 2]]);
  await machine.finish();
  await applier.waitFor(3);
  expect([machine.list.list.length, results]).toEqual([3, [1, 2, 3]]);
});

it("a change of membership is told when all before it is applied, and before anything behind it is", async () => {
  const membership = membershipOf("ab");
  const { machine, applier } = open([command(1, "a"), { index: 2, term: 1, membership }, command(3, "c")]);
  applier.advance(3);
  expect(machine.list.members).toEqual([]);
  await machine.finish();
  await applier.waitFor(2);
  expect(machine.list.members).toEqual(membership.members);
  expect(machine.list.list.length).toBe(1);
  await machine.finish();
  await applier.waitFor(3);
});

it("stopping waits for what is under way, and a failure is told", async () => {
  const { machine, applier, failures } = open([command(1, "a")]);
  applier.advance(1);
  const stopped = applier.stop();
  await machine.finish();
  await stopped;
  expect(applier.applied).toBe(1);
  const other = open([command(1, "a")]);
  other.machine.stateMachine.apply = () => Promise.reject(new RangeError("no"));
  other.applier.advance(1);
  await until(() => other.failures.length > 0, "the failure");
  expect([failures, other.failures]).toEqual([[], [new RangeError("no")]]);
});
