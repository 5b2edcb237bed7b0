import { expect, test } from "vitest";
import { createElection } from "../../src/election/election.ts";
import { electionTiming } from "../../src/election/timing.ts";
import type { Election, Term } from "../../src/election/types.ts";
import { seeded } from "./random.ts";
import { LeaseServer, Process, World } from "./world.ts";

const timing = electionTiming(15_000);

/** Pods on a healthy network, in true time. */
function setup(names: readonly string[]) {
  const world = new World(seeded(7));
  const server = new LeaseServer(world, () => undefined);
  const pods = names.map((name) => {
    const process = new Process(world);
    const identity = { name, incarnation: name };
    const access = server.accessFor(process);
    const election = createElection({ access, identity, timing, clock: process.clock, random: world.random });
    const terms: Term[] = [];
    election.subscribe(({ term }) => {
      if (term && term !== terms.at(-1)) terms.push(term);
    });
    return { name, process, election, terms };
  });
  const run = (ms: number) => world.runUntil(world.now + ms, () => undefined);
  const leader = () => pods.find(({ election }) => election.term?.isValid());
  /** True milliseconds until `condition`. */
  const timeUntil = async (condition: () => boolean): Promise<number> => {
    const from = world.now;
    for (let step = 0; !condition() && step < 60_000; step++) await run(1);
    expect(condition()).toBe(true);
    return world.now - from;
  };
  return { world, server, pods, run, leader, timeUntil };
}

const startAll = (pods: readonly { readonly election: Election }[]) =>
  Promise.all(pods.map(({ election }) => election.start()));

test("somebody who keeps touching the object costs no term", async () => {
  const { server, pods, run } = setup(["a"]);
  await startAll(pods);
  for (let times = 0; times < 600; times++) {
    server.touch();
    await run(100);
  }
  expect(pods[0]?.terms).toHaveLength(1);
  expect(pods[0]?.terms[0]?.isValid()).toBe(true);
});

test("an outage shorter than the renew deadline is ridden out", async () => {
  const { server, pods, run, leader } = setup(["a", "b"]);
  await startAll(pods);
  await run(5_000);
  const before = leader();
  server.isAway = true;
  await run(6_000);
  server.isAway = false;
  await run(20_000);
  expect(leader()).toBe(before);
  expect(before?.terms).toHaveLength(1);
});

test("a longer outage ends the term, nobody takes over meanwhile, and afterwards somebody does", async () => {
  const { server, pods, run, leader } = setup(["a", "b"]);
  await startAll(pods);
  await run(5_000);
  const before = leader()?.terms[0];
  server.isAway = true;
  await run(60_000);
  expect(before?.signal.aborted).toBe(true);
  expect(leader()).toBeUndefined();
  server.isAway = false;
  await run(30_000);
  expect(leader()?.terms.at(-1)?.epoch).toBe(2);
});

test("a dead leader is followed within the lease duration and the retries, not before", async () => {
  const { pods, run, leader, timeUntil, server } = setup(["a", "b", "c"]);
  await startAll(pods);
  await run(5_000);
  leader()?.process.kill();
  const dead = pods.find(({ process }) => !process.isAlive);
  const renewals = server.lease?.spec?.renewTime;
  const took = await timeUntil(() => pods.some(({ process, election }) => process.isAlive && election.term?.isValid()));
  expect(dead?.name).not.toBe(server.lease?.spec?.holderIdentity);
  expect(renewals).not.toBe(server.lease?.spec?.renewTime);
  expect(took).toBeGreaterThan((timing.leaseDurationMs - timing.retryPeriodMs * 1.2) / 1.1);
  expect(took).toBeLessThan((timing.leaseDurationMs + timing.retryPeriodMs) / 0.9 + 100);
});

test("a leader that stops in order is followed as soon as the news gets around", async () => {
  const { pods, run, leader, timeUntil } = setup(["a", "b", "c"]);
  await startAll(pods);
  await run(5_000);
  const old = leader();
  void old?.election.stop();
  expect(old?.terms[0]?.signal.aborted).toBe(true);
  const took = await timeUntil(() => leader() !== undefined && leader() !== old);
  expect(took).toBeLessThan(timing.retryPeriodMs / 10);
});

test("a stopped process finds its term over at its first look, and takes no more part in it", async () => {
  const { pods, run, leader } = setup(["a", "b"]);
  await startAll(pods);
  await run(5_000);
  const old = leader();
  const term = old?.terms[0];
  old?.process.pause();
  await run(40_000);
  expect(term?.signal.aborted).toBe(false);
  expect(term?.isValid()).toBe(false);
  expect(term?.signal.aborted).toBe(true);
  old?.process.resume();
  await run(20_000);
  expect(leader()?.name).not.toBe(old?.name);
  expect(term?.isValid()).toBe(false);
});

test("a promise to hold back is kept, and ends", async () => {
  const { pods, run, leader } = setup(["a"]);
  pods[0]?.election.yieldFor(20_000);
  await startAll(pods);
  await run(18_000 / 1.1);
  expect(leader()).toBeUndefined();
  await run(20_000);
  expect(leader()?.name).toBe("a");
});
