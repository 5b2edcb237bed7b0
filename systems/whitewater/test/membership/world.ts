/** Pods of one StatefulSet in virtual time: they crash, lose disks, are cut off, and must become one cluster. Raft is stood in for by its promises. */
import type { Member } from "@coracle/raft";
import { CellDisk, Network, Random, Scheduler } from "@coracle/sim";
import { answerAsk } from "../../src/membership/acceptor.ts";
import { type Action, nextAction } from "../../src/membership/follow.ts";
import { type FormationView, nextStep, type Step } from "../../src/membership/formation.ts";
import { judgeReturn } from "../../src/membership/returning.ts";
import {
  type Ask,
  askOf,
  type DiskRecord,
  NO_BALLOT,
  type Question,
  type Report,
  type Roster,
  type Seat,
} from "../../src/membership/types.ts";

export interface WorldOptions {
  readonly seed: number;
  readonly pods: number;
  readonly size: number;
  readonly maxVoters?: number;
  /** The decision under test; a broken one must be caught. */
  readonly decide?: (view: FormationView) => Step;
}

const ROUND_MS = 120;
const WISH_MS = 3000;
const LEADERLESS_MS = 1000;

/** A cluster's log of memberships, as a majority of its disks keeps it. */
interface Log {
  readonly clusterId: string;
  members: Member[];
  /** Raft never admits these again. */
  readonly removed: Set<string>;
  readonly wishes: Map<string, { seat: Seat; at: number }>;
}

export class World {
  readonly scheduler = new Scheduler();
  readonly random: Random;
  readonly network: Network;
  readonly pods: Pod[];
  readonly logs = new Map<string, Log>();
  readonly options: WorldOptions;
  #disks = 0;
  wanted: number;

  constructor(options: WorldOptions) {
    this.options = options;
    this.random = new Random(options.seed);
    const faults = { loss: 0.05, duplicate: 0.05, minDelayMs: 1, maxDelayMs: 60 };
    this.network = new Network(this.scheduler, this.random.fork(), faults);
    this.pods = Array.from({ length: options.pods }, (_, n) => new Pod(this, `w-${n}`));
    this.wanted = options.pods;
    this.#follow();
  }

  newDisk(): CellDisk<DiskRecord> {
    return new CellDisk<DiskRecord>({ disk: `d${this.#disks++}`, promised: NO_BALLOT });
  }

  pod(name: string): Pod | undefined {
    return this.pods.find((pod) => pod.name === name);
  }

  logOf({ clusterId, seats }: Roster): Log {
    const known = this.logs.get(clusterId);
    if (known) return known;
    const members = seats.map((seat) => ({ ...seat, isLearner: false }));
    const log = { clusterId, members, removed: new Set<string>(), wishes: new Map() };
    this.logs.set(clusterId, log);
    return log;
  }

  /** Whether a majority of the voters takes part now. */
  hasLeader(log: Log): boolean {
    const voters = log.members.filter(({ isLearner }) => !isLearner);
    return voters.filter((member) => this.#isActive(log, member.id)).length * 2 > voters.length;
  }

  /** Clusters of which a majority of the voters' disks is left: more than one of them is what must never be. */
  living(): string[] {
    const left = (log: Log): boolean => {
      const voters = log.members.filter(({ isLearner }) => !isLearner);
      return voters.filter(({ id }) => this.#diskOf(log, id)).length * 2 > voters.length;
    };
    return [...this.logs.values()].filter(left).map(({ clusterId }) => clusterId);
  }

  /** Whether the pod's disk can be lost without losing the majority of a cluster, be it one that is just being formed. */
  maySpare(pod: Pod): boolean {
    const forming = this.pods.flatMap(({ record: { accepted } }) => (accepted ? [accepted.roster.seats] : []));
    const formed = [...this.logs.values()].map(({ members }) => members.filter(({ isLearner }) => !isLearner));
    return [...forming, ...formed].every((voters) => {
      const there = voters.filter(({ id }) => this.#isThere(id));
      const left = there.filter(({ id }) => id !== pod.record.disk);
      return left.length === there.length || there.length * 2 <= voters.length || left.length * 2 > voters.length;
    });
  }

  /** As the controller of the set: the pods from `replicas` on end with their disks kept, the others are left as they are. */
  scale(replicas: number): void {
    this.wanted = replicas;
    for (const pod of this.pods.slice(replicas)) pod.crash();
  }

  isWanted(pod: Pod): boolean {
    return this.pods.indexOf(pod) < this.wanted;
  }

  #isThere(id: string): boolean {
    return this.pods.some(({ record }) => record.disk === id);
  }

  #diskOf({ clusterId }: Log, id: string): Pod | undefined {
    return this.pods.find(({ record }) => record.disk === id && record.cluster?.clusterId === clusterId);
  }

  #isActive(log: Log, id: string): boolean {
    const pod = this.#diskOf(log, id);
    return pod?.isTakingPart === true && !pod.isCutOff;
  }

  /** The leaders' loop. */
  #follow(): void {
    for (const log of this.logs.values()) if (this.hasLeader(log)) this.#followOne(log);
    this.scheduler.after(100, () => this.#follow());
  }

  #followOne(log: Log): void {
    const now = this.scheduler.now;
    for (const [id, { at }] of log.wishes) if (now - at > WISH_MS) log.wishes.delete(id);
    const leader = log.members.find(({ id, isLearner }) => !isLearner && this.#isActive(log, id)) as Member;
    const action = nextAction({
      now,
      self: leader.id,
      members: log.members,
      isActive: (id) => this.#isActive(log, id),
      isCaughtUp: () => true,
      wishes: [...log.wishes.values()].map(({ seat }) => seat),
      wanted: this.wanted,
      absentSince: new Map(),
      ordinalOf: (name) => Number(name.split("-")[1]),
      graceMs: 1000,
      maxVoters: this.options.maxVoters ?? 5,
    });
    if (action?.kind === "change") apply(log, action);
  }
}

function apply(log: Log, { change }: Action & { kind: "change" }): void {
  const others = (id: string): Member[] => log.members.filter((member) => member.id !== id);
  if (change.kind === "remove") {
    log.members = others(change.id);
    log.removed.add(change.id);
  }
  if (change.kind === "add-learner" && !log.removed.has(change.member.id))
    log.members = [...log.members, { ...change.member, isLearner: true }];
  if (change.kind === "promote")
    log.members = log.members.map((member) => (member.id === change.id ? { ...member, isLearner: false } : member));
}

export class Pod {
  readonly name: string;
  readonly #world: World;
  #disk: CellDisk<DiskRecord>;
  /** Counts processes: what an older one began has no effect any more. */
  #life = 0;
  isUp = false;
  isTakingPart = false;
  isCutOff = false;
  /** Why it waits, for failing tests. */
  waits = "";

  constructor(world: World, name: string) {
    this.#world = world;
    this.name = name;
    this.#disk = world.newDisk();
  }

  get record(): DiskRecord {
    return this.#disk.value;
  }

  get seat(): Seat {
    return { id: this.record.disk, name: this.name, address: `${this.name}:8090` };
  }

  start(): void {
    if (this.isUp || !this.#world.isWanted(this)) return;
    this.isUp = true;
    this.#life++;
    this.#round({ kind: "standing" });
  }

  crash(): void {
    this.isUp = false;
    this.isTakingPart = false;
    this.#life++;
    this.#isSaving = false;
    this.#disk.crash(this.#world.random);
  }

  wipe(): void {
    this.crash();
    this.#disk = this.#world.newDisk();
  }

  #isSaving = false;

  /** Written, then synced a little later; nothing else is written meanwhile. */
  #save(record: DiskRecord, then: () => void): void {
    if (record === this.record) return void then();
    if (record.cluster) this.#world.logOf(record.cluster);
    const life = this.#life;
    this.#isSaving = true;
    this.#disk.write(record);
    this.#world.scheduler.after(this.#world.random.between(1, 20), () => {
      if (life !== this.#life) return;
      this.#isSaving = false;
      this.#disk.synced();
      then();
    });
  }

  answer({ from, ask }: Question, reply: (report: Report) => void): void {
    if (!this.isUp || this.#isSaving) return;
    this.#save(answerAsk(this.record, ask), () => {
      if (ask.kind === "join" && this.record.cluster) this.#wish(this.record.cluster, from);
      reply(this.#report(from.id));
    });
  }

  #wish(cluster: Roster, seat: Seat): void {
    const log = this.#world.logOf(cluster);
    if (this.#world.hasLeader(log)) log.wishes.set(seat.id, { seat, at: this.#world.scheduler.now });
  }

  #report(asker: string): Report {
    const { promised, accepted, cluster } = this.record;
    return {
      self: this.seat,
      size: this.#world.options.size,
      promised,
      known: [],
      ...(accepted && { accepted }),
      ...(cluster && { cluster: { ...cluster, ...this.#verdict(cluster, asker) } }),
    };
  }

  #verdict(cluster: Roster, asker: string) {
    const log = this.#world.logOf(cluster);
    const hasLeader = this.#world.hasLeader(log) && !this.isCutOff;
    if (log.members.some(({ id }) => id === asker)) return { hasLeader, you: "member" as const };
    const gone = log.removed.has(asker) ? ("removed" as const) : ("absent" as const);
    return { hasLeader, you: hasLeader ? gone : ("unknown" as const) };
  }

  /** Asks everybody, waits, concludes. */
  #round(ask: Ask): void {
    const life = this.#life;
    const { scheduler, network, random, pods, options } = this.#world;
    const first = pods.slice(0, options.size).map(({ name }) => name);
    const reports = new Map<string, Report>();
    const begin = (): void => {
      const record = this.record;
      reports.set(this.name, this.#report(this.record.disk));
      for (const pod of pods.filter(({ name }) => name !== this.name)) {
        const question = { from: this.seat, ask: askOf(pod.name, ask, first) };
        const deliver = (): void =>
          pod.answer(question, (report) =>
            network.send(pod.name, this.name, () => void (life === this.#life && reports.set(pod.name, report))),
          );
        network.send(this.name, pod.name, deliver);
      }
      scheduler.after(ROUND_MS + random.between(0, 50), () => {
        if (life === this.#life && !this.#isSaving) this.#conclude(ask, record, reports);
        else if (life === this.#life) this.#round({ kind: "standing" });
      });
    };
    if (this.#isSaving) return void scheduler.after(10, () => life === this.#life && this.#round(ask));
    this.#save(answerAsk(this.record, askOf(this.name, ask, first)), begin);
  }

  #conclude(ask: Ask, record: DiskRecord, reports: ReadonlyMap<string, Report>): void {
    if (this.record.cluster) return void this.#return(this.record.cluster, reports);
    const { options, pods } = this.#world;
    const names = pods.map(({ name }) => name);
    const step = (options.decide ?? nextStep)({
      self: this.seat,
      record: this.record,
      asked: { ask, record },
      size: options.size,
      first: names.slice(0, options.size),
      others: names.slice(options.size),
      reports,
      clusterIdOf: (seats) => seats.map(({ id }) => id).join("+"),
    });
    this.waits = step.kind === "wait" ? step.reason : "";
    if (step.kind === "ask") return void this.#round(step.ask);
    if (step.kind === "renew") return void this.#startAnew();
    if (step.kind === "wait") return void this.#round({ kind: "standing" });
    this.#save({ ...this.record, cluster: step.roster }, () => this.#takePart(step.roster));
  }

  #startAnew(): void {
    this.wipe();
    this.start();
  }

  /** A member without a leader asks whether it was removed. */
  #takePart(cluster: Roster): void {
    const life = this.#life;
    this.isTakingPart = true;
    this.#world.scheduler.after(LEADERLESS_MS, () => {
      if (life !== this.#life) return;
      const isMember = this.#world.logOf(cluster).members.some(({ id }) => id === this.record.disk);
      if (isMember) this.#takePart(cluster);
      else this.#round({ kind: "standing" });
    });
  }

  #return(cluster: Roster, reports: ReadonlyMap<string, Report>): void {
    const others = [...reports.values()].filter(({ self }) => self.name !== this.name);
    const judgement = judgeReturn(cluster, others);
    this.waits = judgement.kind;
    if (judgement.kind === "start") this.#takePart(cluster);
    else if (judgement.kind === "rejoin") this.#startAnew();
    else this.#round({ kind: "standing" });
  }
}
