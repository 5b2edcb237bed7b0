/** Thousands of first boots, each with other faults: one StatefulSet never becomes two clusters, and when all are up it is one. */
import { Random } from "@coracle/sim";
import { describe, expect, it } from "vitest";
import { nextStep } from "../../src/membership/formation.ts";
import type { Pod, WorldOptions } from "./world.ts";
import { World } from "./world.ts";

/** Faults until this time, then calm. */
const FAULTS_MS = 8000;
const CALM_MS = 25_000;

interface Outcome {
  readonly failure: string | undefined;
  readonly formed: number;
  readonly wiped: number;
}

function strike(world: World, pod: Pod, random: Random): boolean {
  const { network, pods } = world;
  const roll = random.next();
  if (roll < 0.4) pod.isUp ? pod.crash() : pod.start();
  else if (roll < 0.7) pod.start();
  else if (roll < 0.8 && world.maySpare(pod)) {
    pod.wipe();
    return true;
  } else if (roll < 0.84) world.scale(random.chance(0.5) ? pods.length : 1 + random.int(pods.length));
  else if (roll < 0.92) {
    network.isolate(
      pod.name,
      pods.map(({ name }) => name).filter((name) => name !== pod.name),
    );
    pod.isCutOff = true;
  } else {
    network.heal();
    for (const each of pods) each.isCutOff = false;
  }
  return false;
}

/** Strikes, then lets all come back; undefined when every promise held. */
function run(options: WorldOptions): Outcome {
  const world = new World(options);
  const random = new Random(options.seed ^ 0x5eed);
  let wiped = 0;
  while (world.scheduler.now < FAULTS_MS) {
    if (strike(world, random.pick(world.pods), random)) wiped++;
    world.scheduler.runUntil(world.scheduler.now + random.between(1, 400));
    if (world.living().length > 1)
      return { failure: `two clusters: ${world.living().join(" and ")}`, formed: world.logs.size, wiped };
  }
  world.network.heal();
  world.scale(world.pods.length);
  for (const pod of world.pods) {
    pod.isCutOff = false;
    pod.start();
  }
  for (let left = 50; left > 0 && !isWhole(world); left--) world.scheduler.runUntil(world.scheduler.now + CALM_MS / 50);
  return { failure: isWhole(world) ? undefined : `stuck: ${describeWorld(world)}`, formed: world.logs.size, wiped };
}

/** Every pod takes part in one cluster, and is a voter there as far as its ordinal allows. */
function isWhole(world: World): boolean {
  const [living, ...more] = world.living();
  const log = world.logs.get(living ?? "");
  if (!log || more.length > 0) return false;
  const inIt = ({ isTakingPart, record }: Pod): boolean =>
    isTakingPart && record.cluster?.clusterId === living && log.members.some(({ id }) => id === record.disk);
  return (
    world.pods.every(inIt) &&
    log.members.length === world.pods.length &&
    log.members.filter(({ isLearner }) => !isLearner).length === Math.min(5, world.pods.length)
  );
}

const describeWorld = (world: World): string =>
  JSON.stringify({
    living: world.living(),
    logs: [...world.logs.values()].map(({ clusterId, members }) => [clusterId, members]),
    pods: world.pods.map(({ name, record, isTakingPart, waits }) => ({ name, record, isTakingPart, waits })),
  });

const SEEDS = Number(process.env.SEEDS ?? 1500);
const FIRST = Number(process.env.SEED ?? 1);

describe("first boot under faults", () => {
  it.each([
    [3, 3],
    [5, 3],
    [4, 1],
    [7, 5],
  ])(
    "of %i pods, the first %i forming: one cluster, never two, never stuck",
    (pods, size) => {
      let wipes = 0;
      const count = pods > 5 ? SEEDS / 3 : SEEDS;
      for (let seed = FIRST; seed < FIRST + count; seed++) {
        const { failure, wiped } = run({ seed, pods, size });
        wipes += wiped;
        expect(failure, `SEED=${seed} SEEDS=1, ${pods} pods of which ${size} form`).toBeUndefined();
      }
      expect(wipes).toBeGreaterThan(count / 4);
    },
    120_000,
  );

  it("catches a pod that forms a cluster out of whoever answers", () => {
    const decide: WorldOptions["decide"] = (view) =>
      nextStep({ ...view, first: view.first.filter((name) => view.reports.has(name)), others: [] });
    const failures = Array.from({ length: 300 }, (_, n) => run({ seed: n + 1, pods: 3, size: 3, decide }).failure);
    expect(failures.some((failure) => failure?.startsWith("two clusters"))).toBe(true);
  }, 60_000);

  it("catches a pod that takes a cluster without a leader for none, and does not wait for all", () => {
    const decide: WorldOptions["decide"] = (view) => {
      const trusted = [...view.reports].filter(([, { cluster }]) => cluster === undefined || cluster.hasLeader);
      const reports = new Map(trusted);
      return nextStep({ ...view, reports, first: view.first.filter((name) => reports.has(name)).slice(0, 2) });
    };
    const failures = Array.from({ length: 300 }, (_, n) => run({ seed: n + 1, pods: 3, size: 3, decide }).failure);
    expect(failures.some((failure) => failure?.startsWith("two clusters"))).toBe(true);
  }, 60_000);
});
