/** Faults of a simulated group, drawn from a seed, and their end. */
import type { ApiFaults, Network, NetworkFaults, Random, Scheduler, VersionedObject } from "@coracle/sim";
import type { LeaseValue } from "./elector.ts";
import type { SimNode } from "./node.ts";

export const ORDINARY_NETWORK: NetworkFaults = { loss: 0.02, duplicate: 0.02, minDelayMs: 0.2, maxDelayMs: 15 };
export const ORDINARY_API: ApiFaults = { lostRequest: 0.02, lostAnswer: 0.03, minDelayMs: 1, maxDelayMs: 40 };
const BAD_NETWORK: NetworkFaults = { loss: 0.3, duplicate: 0.2, minDelayMs: 1, maxDelayMs: 400 };
const SLOW_API: ApiFaults = { lostRequest: 0.2, lostAnswer: 0.3, minDelayMs: 50, maxDelayMs: 1500 };
export const GOOD_NETWORK: NetworkFaults = { loss: 0, duplicate: 0, minDelayMs: 0.2, maxDelayMs: 5 };
export const GOOD_API: ApiFaults = { lostRequest: 0, lostAnswer: 0, minDelayMs: 1, maxDelayMs: 5 };

/** What faults are done to. */
export interface Group {
  readonly scheduler: Scheduler;
  readonly network: Network;
  readonly lease: VersionedObject<LeaseValue>;
  readonly ids: readonly string[];
  readonly canDeleteLease: boolean;
  node(id: string): SimNode | undefined;
  crash(id: string): void;
  /** Does nothing when it is up. */
  boot(id: string): void;
  /** What its disk holds: nothing, a part that a primary is filling up, or all that it has ever acknowledged. */
  contents(id: string): "empty" | "copying" | "whole";
  /** Crashes it, empties its disk, and boots it. */
  wipe(id: string): void;
}

/** What happens to a group in a run, until it is healed. */
export interface FaultSource {
  /** When each happened, for whoever reads a failing run. */
  readonly log: readonly string[];
  /** A disk was emptied, so that the group may rightly stand still when it was the last one that the record trusts. */
  readonly hasWiped: boolean;
  start(): void;
  heal(): void;
}

/** How fast faults follow each other. */
export interface FaultPace {
  readonly firstMs: readonly [number, number];
  readonly gapMs: readonly [number, number];
  /** Probability that the next comes within 400 ms: what matters is often the second fault, while the group recovers from the first. */
  readonly burst: number;
}

interface Target {
  readonly id: string;
  readonly node: SimNode | undefined;
  readonly primary: SimNode | undefined;
  readonly others: readonly string[];
}

/** All of them, in any order. */
export class Faults implements FaultSource {
  readonly log: string[] = [];
  readonly #group: Group;
  readonly #random: Random;
  readonly #pace: FaultPace;
  #wiped: string | undefined;
  #isLeaseDeleted = false;
  #isHealed = false;

  constructor(group: Group, random: Random, pace: FaultPace) {
    this.#group = group;
    this.#random = random;
    this.#pace = pace;
  }

  get hasWiped(): boolean {
    return this.#wiped !== undefined;
  }

  start(): void {
    this.#later(...this.#pace.firstMs, () => this.#next());
  }

  #next(): void {
    const { ids, scheduler } = this.#group;
    const id = this.#random.pick(ids);
    const primary = ids.map((each) => this.#group.node(each)).find((node) => node?.core.isLeading);
    const [name, fault] = this.#random.pick(this.#table);
    fault({ id, node: this.#group.node(id), primary, others: ids.filter((other) => other !== id) });
    this.log.push(`${Math.round(scheduler.now)} ${name} ${id}${primary ? ` (primary ${primary.id})` : ""}`);
    if (this.#random.chance(this.#pace.burst)) this.#later(5, 400, () => this.#next());
    else this.#later(...this.#pace.gapMs, () => this.#next());
  }

  readonly #table: readonly (readonly [string, (target: Target) => void])[] = [
    ["crash", ({ id }) => this.#crash(id, 6000)],
    ["crash the primary", () => this.#crashPrimary()],
    ["crash all", () => this.#crashAll()],
    ["slow disk", ({ node }) => this.#slowDisk(node)],
    ["isolate", ({ id, others }) => this.#group.network.isolate(id, others)],
    [
      "isolate the primary",
      ({ primary }) => primary && this.#group.network.isolate(primary.id, this.#except(primary.id)),
    ],
    ["cut one way", ({ id, others }) => this.#group.network.cut(id, this.#random.pick(others))],
    ["heal the network", () => this.#group.network.heal()],
    ["heal the network", () => this.#group.network.heal()],
    ["pause", ({ node }) => this.#pause(node)],
    ["pause the primary", ({ primary }) => this.#pause(primary)],
    ["API away", () => this.#away(this.#group.ids)],
    ["API away for one", ({ id }) => this.#away([id])],
    ["slow API", () => this.#slowApi()],
    ["bad network", () => this.#badNetwork()],
    ["replay", ({ id, others }) => this.#replay(this.#random.pick(others), id)],
    ["depose, and replay", ({ primary }) => primary && this.#depose(primary.id)],
    ["switchover", ({ primary, id }) => primary?.handOver(id)],
    ["let go", ({ primary }) => primary?.letGo()],
    ["wipe", ({ id }) => this.#wipe(id)],
    ["delete the Lease", () => this.#deleteLease()],
  ];

  heal(): void {
    const { network, lease, ids } = this.#group;
    this.#isHealed = true;
    network.heal();
    network.faults = GOOD_NETWORK;
    lease.faults = GOOD_API;
    for (const id of ids) {
      lease.setAway(id, false);
      const node = this.#group.node(id);
      if (node) node.diskDelay = 1;
      node?.wake();
      this.#group.boot(id);
    }
  }

  #crash(id: string, maxDownMs: number): void {
    if (!this.#group.node(id)) return;
    this.#group.crash(id);
    this.#later(10, maxDownMs, () => this.#group.boot(id));
  }

  #crashAll(): void {
    for (const id of this.#group.ids) this.#crash(id, 3000);
  }

  #crashPrimary(): void {
    const primary = this.#group.ids.find((id) => this.#group.node(id)?.core.isLeading);
    if (primary !== undefined) this.#crash(primary, 6000);
  }

  #slowDisk(node: SimNode | undefined): void {
    if (node) node.diskDelay = 30;
    this.#later(1000, 6000, () => {
      if (node) node.diskDelay = 1;
    });
  }

  #pause(node: SimNode | undefined): void {
    node?.sleep();
    this.#later(500, 7000, () => node?.wake());
  }

  #replay(from: string, to: string): void {
    this.#group.network.replay(from, to, 1 + this.#random.int(60));
  }

  /**
   * Cuts the primary off; once another leads, what the old one had sent comes again, and the new one is gone before it has set that right.
   */
  #depose(id: string): void {
    this.#group.network.isolate(id, this.#except(id));
    this.#group.lease.setAway(id, true);
    this.#later(7000, 9000, () => this.#group.lease.setAway(id, false));
    this.#whenLed(id, 400, (next) => {
      for (const to of this.#except(id)) if (to !== next) this.#replay(id, to);
      if (this.#random.chance(0.7)) this.#later(1, 120, () => this.#crashPrimary());
    });
  }

  /** Runs `task` as soon as another than `former` leads; gives up after `looks`. */
  #whenLed(former: string, looks: number, task: (next: string) => void): void {
    const next = this.#except(former).find((id) => this.#group.node(id)?.core.isLeading);
    if (next !== undefined) this.#later(0, 60, () => task(next));
    else if (looks > 0) this.#later(20, 20, () => this.#whenLed(former, looks - 1, task));
  }

  #away(clients: readonly string[]): void {
    for (const client of clients) this.#group.lease.setAway(client, true);
    this.#later(500, 8000, () => {
      for (const client of clients) this.#group.lease.setAway(client, false);
    });
  }

  #slowApi(): void {
    this.#group.lease.faults = SLOW_API;
    this.#later(1000, 5000, () => {
      this.#group.lease.faults = ORDINARY_API;
    });
  }

  #badNetwork(): void {
    this.#group.network.faults = BAD_NETWORK;
    this.#later(500, 4000, () => {
      this.#group.network.faults = ORDINARY_NETWORK;
    });
  }

  /**
   * Empties one disk, once per run, where the record names two others that hold everything: a loss that promise 1 covers. While it is filled again,
   * the record may still name it: the others' end then is the hard case.
   */
  #wipe(id: string): void {
    if (this.#wiped !== undefined || this.#isLeaseDeleted) return;
    const text = this.#group.lease.current.value?.annotations["in-sync"] ?? '{"members":[]}';
    const { members } = JSON.parse(text) as { members: string[] };
    const whole = members.filter((member) => member !== id && this.#group.contents(member) === "whole");
    if (whole.length < 2) return;
    this.#wiped = id;
    this.#group.wipe(id);
    if (this.#random.chance(0.5)) this.#later(100, 1500, () => this.#crashPrimary());
    else this.#whenCopying(id, 200);
  }

  #whenCopying(id: string, looks: number): void {
    if (this.#group.contents(id) === "copying") for (const other of this.#except(id)) this.#crash(other, 9000);
    else if (looks > 0) this.#later(5, 5, () => this.#whenCopying(id, looks - 1));
  }

  /** Not together with an emptied disk: the record is what tells an emptied member from a new one. */
  #deleteLease(): void {
    if (this.#wiped !== undefined || !this.#group.canDeleteLease || !this.#random.chance(0.3)) return;
    this.#isLeaseDeleted = true;
    this.#group.lease.delete();
  }

  #except(id: string): readonly string[] {
    return this.#group.ids.filter((other) => other !== id);
  }

  /** Not any more once everything is healed. */
  #later(minMs: number, maxMs: number, task: () => void): void {
    this.#group.scheduler.after(this.#random.between(minMs, maxMs), () => {
      if (!this.#isHealed) task();
    });
  }
}
