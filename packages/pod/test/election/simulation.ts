import { type Decide, decide } from "../../src/election/decide.ts";
import { createElectionWith } from "../../src/election/election.ts";
import { electionTiming } from "../../src/election/timing.ts";
import type { Election, Term } from "../../src/election/types.ts";
import { ElectionError } from "../../src/errors.ts";
import { seeded } from "./random.ts";
import { LeaseServer, Process, slowestMs, World } from "./world.ts";

/** A promise that was broken, with what is needed to see it again. */
export class Violation extends Error {
  constructor(seed: number, at: number, what: string) {
    super(`seed ${seed} at ${Math.round(at)} ms: ${what}; replay with ELECTION_SEED=${seed}`);
  }
}

interface Contender {
  readonly name: string;
  readonly podUid: string;
  readonly process: Process;
  readonly election: Election;
  promisedUntil: number;
}

const timing = electionTiming(6_000);
const faultsUntil = 60_000;
/** The slowest message may still bring a dead process the Lease; after that everybody waits once, then retries at leisure. */
const healedWithin = slowestMs + 3 * timing.leaseDurationMs;

/** What one run saw: so that a test can tell that it saw anything. */
export interface Outcome {
  readonly terms: number;
  readonly faults: number;
  readonly annotated: number;
}

export async function simulate(seed: number, decision: Decide = decide): Promise<Outcome> {
  return new Simulation(seed, decision).run();
}

class Simulation {
  readonly #seed: number;
  readonly #decision: Decide;
  readonly #world: World;
  readonly #server: LeaseServer;
  readonly #names = ["pod-0", "pod-1", "pod-2"];
  #contenders: Contender[] = [];
  #highestEpoch = 0;
  #incarnations = 0;
  #pods = 0;
  #terms = 0;
  #faults = 0;
  #annotated = 0;
  #isHealed = false;
  #violation: Violation | undefined;

  constructor(seed: number, decision: Decide) {
    this.#seed = seed;
    this.#decision = decision;
    this.#world = new World(seeded(seed));
    this.#server = new LeaseServer(this.#world, () => this.#checkNobodyElse());
  }

  async run(): Promise<Outcome> {
    this.#server.faultRate = this.#world.chance(0.8) ? this.#world.between(0, 0.3) : 0;
    for (const name of this.#names) this.#join(name);
    this.#scheduleFault();
    await this.#advance(faultsUntil);
    this.#heal();
    await this.#advance(faultsUntil + healedWithin);
    if (this.#leaders().length !== 1) this.#break(`nobody leads ${healedWithin} ms after the last fault`);
    this.#raise();
    for (const { process } of this.#contenders) process.kill();
    return { terms: this.#terms, faults: this.#faults, annotated: this.#annotated };
  }

  async #advance(until: number): Promise<void> {
    await this.#world.runUntil(until, () => {
      if (this.#leaders().length > 1) this.#break(`two terms are valid: ${this.#leaders().map((c) => c.name)}`);
      this.#raise();
    });
  }

  #leaders(): Contender[] {
    return this.#contenders.filter(
      ({ process, election }) => process.isAlive && (election.term?.remainingMs() ?? 0) > 0,
    );
  }

  /** At the moment somebody's acquisition takes effect, nobody's earlier term may still be running. */
  #checkNobodyElse(): void {
    const leader = this.#leaders()[0];
    if (leader) this.#break(`the Lease passed on while ${leader.name}'s term was valid`);
  }

  #join(name: string, podUid = `uid-${++this.#pods}`): void {
    const process = new Process(this.#world);
    const election = createElectionWith(
      {
        access: this.#server.accessFor(process),
        identity: { name, incarnation: `${podUid}/${++this.#incarnations}` },
        timing,
        predecessor: this.#world.chance(0.5) ? "release" : "succeed",
        clock: process.clock,
        random: this.#world.random,
        candidacy: () =>
          !this.#isHealed && this.#world.chance(0.1)
            ? { abstain: "not in sync" }
            : { epochAbove: this.#world.chance(0.1) ? 50 : 0 },
      },
      this.#decision,
    );
    const contender: Contender = { name, podUid, process, election, promisedUntil: Number.NEGATIVE_INFINITY };
    this.#contenders.push(contender);
    let last: Term | undefined;
    election.subscribe(({ term }) => {
      if (term && term !== last) this.#began(contender, term);
      last = term;
    });
    void election.start();
  }

  #began({ name, process, promisedUntil }: Contender, term: Term): void {
    this.#terms++;
    if (term.epoch <= this.#highestEpoch) this.#break(`${name} began epoch ${term.epoch} after ${this.#highestEpoch}`);
    if (process.clock.now() < promisedUntil) this.#break(`${name} leads although it promised not to`);
    this.#highestEpoch = Math.max(this.#highestEpoch, term.epoch);
  }

  // Faults

  #scheduleFault(): void {
    const world = this.#world;
    world.at(world.now + world.between(200, 6_000), () => {
      if (this.#isHealed) return;
      this.#faults++;
      this.#pick(this.#faultKinds)();
      this.#scheduleFault();
    });
  }

  readonly #faultKinds: readonly (() => void)[] = [
    () => this.#pause(),
    () => this.#pause(),
    () => this.#replace("killed"),
    () => this.#replace("restarted"),
    () => this.#replace("zombie"),
    () => this.#replace("stopped"),
    () => this.#outage(),
    () => this.#server.touch(),
    () => this.#stepDown(),
    () => this.#annotate(),
    () => this.#promise(),
    () => this.#pick(this.#contenders).process.jumpWall(this.#world.between(-3_600_000, 3_600_000)),
  ];

  #pause(): void {
    const victim = (this.#world.chance(0.7) && this.#leaders()[0]) || this.#pick(this.#contenders);
    victim.process.pause();
    this.#world.at(this.#world.now + this.#world.between(10, 20_000), () => victim.process.resume());
  }

  /** A new process under an old name; the old one is dead (its pod too, or only its container), or stopping in order, or still there (a force-deleted pod). */
  #replace(how: "killed" | "restarted" | "zombie" | "stopped"): void {
    const victim = this.#pick(this.#contenders);
    const isDead = how === "killed" || how === "restarted";
    if (how === "stopped" && victim.process.isRunning) void victim.election.stop();
    if (isDead) this.#remove(victim);
    const podUid = how === "restarted" ? victim.podUid : undefined;
    this.#world.at(this.#world.now + this.#world.between(0, 3_000), () => this.#join(victim.name, podUid));
    if (!isDead) this.#world.at(this.#world.now + this.#world.between(0, 20_000), () => this.#remove(victim));
  }

  #remove(victim: Contender): void {
    victim.process.kill();
    this.#contenders = this.#contenders.filter((contender) => contender !== victim);
  }

  #outage(): void {
    this.#server.isAway = true;
    this.#world.at(this.#world.now + this.#world.between(100, 12_000), () => {
      this.#server.isAway = false;
    });
  }

  #stepDown(): void {
    const leader = this.#leaders()[0];
    const handTo = this.#world.chance(0.5) ? this.#pick(this.#names) : undefined;
    leader?.process.deliver(() => void leader.election.stepDown("asked to", handTo));
  }

  #annotate(): void {
    const leader = this.#leaders()[0];
    const key = `fault-${this.#faults}`;
    leader?.process.deliver(() => {
      leader.election
        .annotate(() => ({ [key]: "yes" }))
        .then(
          ({ annotations }) => this.#annotationDone(key, annotations),
          (error: unknown) => {
            if (!(error instanceof ElectionError)) this.#break(`annotate failed with ${error}`);
          },
        );
    });
  }

  #annotationDone(key: string, annotations: Readonly<Record<string, string>>): void {
    this.#annotated++;
    if (!annotations[key] || !this.#server.written.has(key)) this.#break(`annotation ${key} was not written`);
  }

  #promise(): void {
    const follower = this.#pick(this.#contenders);
    if (follower.election.term || !follower.process.isRunning) return;
    const ms = this.#world.between(500, 8_000);
    follower.promisedUntil = follower.process.clock.now() + ms;
    follower.election.yieldFor(ms);
  }

  #heal(): void {
    this.#isHealed = true;
    this.#server.isAway = false;
    this.#server.faultRate = 0;
    for (const { process } of this.#contenders) process.resume();
    for (const name of this.#names)
      if (!this.#contenders.some((contender) => contender.name === name)) this.#join(name);
  }

  #pick<T>(from: readonly T[]): T {
    const picked = from[Math.floor(this.#world.random() * from.length)];
    if (picked === undefined) throw new Violation(this.#seed, this.#world.now, "nobody is left");
    return picked;
  }

  /** Noted where it happens, thrown where it stops the run: the code under test must not swallow it. */
  #break(what: string): void {
    this.#violation ??= new Violation(this.#seed, this.#world.now, what);
  }

  #raise(): void {
    if (this.#violation) throw this.#violation;
  }
}
