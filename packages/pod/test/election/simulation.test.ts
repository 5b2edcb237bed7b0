import { expect, test } from "vitest";
import { type Decide, decide } from "../../src/election/decide.ts";
import { isHeldBy } from "../../src/election/lease.ts";
import { type Outcome, simulate, Violation } from "./simulation.ts";

/** `ELECTION_SEED=n` replays one run, `ELECTION_SEEDS=n` chooses how many there are. */
const replayed = process.env.ELECTION_SEED;
const count = Number(process.env.ELECTION_SEEDS ?? 500);
const seeds = replayed === undefined ? Array.from({ length: count }, (_, index) => index + 1) : [Number(replayed)];

test("never are two terms valid at once, epochs grow, promises hold, and after the faults somebody leads", async () => {
  const total = { terms: 0, faults: 0, annotated: 0 };
  for (const seed of seeds) add(total, await simulate(seed));
  expect(total.terms).toBeGreaterThan(seeds.length);
  if (replayed === undefined) expect(total.annotated).toBeGreaterThan(0);
}, 600_000);

/** Decisions that are wrong in ways that people get wrong. */
const mistakes: Readonly<Record<string, Decide>> = {
  "a candidate waits for the renew deadline instead of the lease duration": (view, now) => {
    const action = decide(view, now);
    const seenAt = view.observation?.seenAt ?? now;
    return action.kind === "wait" && now > seenAt + view.timing.renewDeadlineMs ? { kind: "take" } : action;
  },
  "a pod takes over at once from its own name": (view, now) => {
    const action = decide(view, now);
    return action.kind === "wait" && view.observation?.record.holder === view.me.name ? { kind: "take" } : action;
  },
  "nobody waits": (view, now) => {
    const action = decide(view, now);
    const isMine = view.observation && isHeldBy(view.observation.record, view.me);
    return action.kind === "wait" && !isMine ? { kind: "take" } : action;
  },
  "nobody ever takes": (view, now) => {
    const action = decide(view, now);
    return action.kind === "take" ? { kind: "wait", until: now + 1000, reason: "shy" } : action;
  },
};

test.each(Object.entries(mistakes))(
  "the simulation catches that %s",
  async (_, decision) => {
    await expect(
      (async () => {
        for (let seed = 1; seed <= 200; seed++) await simulate(seed, decision);
      })(),
    ).rejects.toThrow(Violation);
  },
  600_000,
);

function add(total: { terms: number; faults: number; annotated: number }, run: Outcome): void {
  total.terms += run.terms;
  total.faults += run.faults;
  total.annotated += run.annotated;
}
