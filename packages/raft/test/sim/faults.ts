/** Faults of a simulated group, drawn from a seed, and their end. */
import type { Network, NetworkFaults, Random, Scheduler } from "@coracle/sim";
import type { MemberChange } from "../../src/types.ts";
import type { SimNode } from "./node.ts";

export const ORDINARY_NETWORK: NetworkFaults = { loss: 0.01, duplicate: 0.02, minDelayMs: 0.2, maxDelayMs: 12 };
const BAD_NETWORK: NetworkFaults = { loss: 0.3, duplicate: 0.2, minDelayMs: 1, maxDelayMs: 300 };
const GOOD_NETWORK: NetworkFaults = { loss: 0, duplicate: 0, minDelayMs: 0.2, maxDelayMs: 5 };
const MAX_IDS = 9;

/** What faults are done to. */
export interface Faulty {
  readonly scheduler: Scheduler;
  readonly network: Network;
  /** Every member that ever was. */
  readonly ids: readonly string[];
  node(id: string): SimNode | undefined;
  crash(id: string): void;
  /** Does nothing when it is up. */
  boot(id: string): void;
  /** A machine with an empty disk, running; returns its id. */
  create(): string;
}

export class Faults {
  /** When each happened, for whoever reads a failing run. */
  readonly log: string[] = [];
  readonly #group: Faulty;
  readonly #random: Random;
  #isHealed = false;

  constructor(group: Faulty, random: Random) {
    this.#group = group;
    this.#random = random;
  }

  start(): void {
    this.#later(300, 700, () => this.#next());
  }

  #next(): void {
    const [name, fault] = this.#random.pick(this.#table);
    const id = this.#random.pick(this.#group.ids);
    this.log.push(
      `${Math.round(this.#group.scheduler.now)} ${name} ${id} (${this.#leaders().map((each) => each.id)} lead)`,
    );
    fault(id);
    // Some come in bursts: what matters is often the second fault, while the group recovers from the first.
    if (this.#random.chance(0.5)) this.#later(2, 250, () => this.#next());
    else this.#later(100, 600, () => this.#next());
  }

  readonly #table: readonly (readonly [string, (id: string) => void])[] = [
    ["crash", (id) => this.#crash(id, 3000)],
    ["crash the leader", () => this.#onLeader(({ id }) => this.#crash(id, 2500))],
    ["crash all", () => this.#all((id) => this.#crash(id, 1500))],
    ["crash at a disk operation", (id) => this.#crashAtDisk(id)],
    ["crash the leader at a disk operation", () => this.#onLeader(({ id }) => this.#crashAtDisk(id))],
    ["slow disk", (id) => this.#slowDisk(id)],
    ["isolate", (id) => this.#group.network.isolate(id, this.#except(id))],
    ["isolate the leader", () => this.#onLeader(({ id }) => this.#group.network.isolate(id, this.#except(id)))],
    ["halve", () => this.#halve()],
    ["cut one way", (id) => this.#group.network.cut(id, this.#random.pick(this.#group.ids))],
    ["deafen the leader", () => this.#onLeader(({ id }) => this.#deafen(id))],
    ["heal the network", () => this.#group.network.heal()],
    ["heal the network", () => this.#group.network.heal()],
    ["heal the network", () => this.#group.network.heal()],
    ["pause", (id) => this.#pause(this.#group.node(id))],
    ["pause the leader", () => this.#onLeader((node) => this.#pause(node))],
    ["bad network", () => this.#badNetwork()],
    ["reset connections", (id) => this.#reset(id)],
    ["transfer", (id) => this.#onLeader((node) => node.transfer(this.#random.chance(0.5) ? id : undefined))],
    ["add", () => this.#add()],
    ["promote", () => this.#change((learners) => learners.map((id) => ({ kind: "promote", id })))],
    ["promote", () => this.#change((learners) => learners.map((id) => ({ kind: "promote", id })))],
    ["remove", (id) => this.#change(() => [{ kind: "remove", id }])],
    ["remove the leader", () => this.#onLeader((node) => node.change({ kind: "remove", id: node.id }))],
    ["two changes", (id) => this.#twoChanges(id)],
    ["move", (id) => this.#change(() => [{ kind: "update", id, name: id, address: `a${this.#random.int(100)}:1` }])],
  ];

  heal(): void {
    const { network, ids } = this.#group;
    this.#isHealed = true;
    network.heal();
    network.faults = GOOD_NETWORK;
    for (const id of ids) {
      const node = this.#group.node(id);
      if (node) {
        node.diskDelay = 1;
        node.operationsLeft = Infinity;
        node.wake();
      }
      this.#group.boot(id);
    }
  }

  #leaders(): readonly SimNode[] {
    return this.#group.ids.flatMap((id) => this.#group.node(id) ?? []).filter((node) => node.core.isLeading);
  }

  /** Any that thinks so: one of an older term may be among them. */
  #onLeader(task: (leader: SimNode) => void): void {
    const leaders = this.#leaders();
    if (leaders.length > 0) task(this.#random.pick(leaders));
  }

  #all(task: (id: string) => void): void {
    for (const id of [...this.#group.ids]) task(id);
  }

  #crash(id: string, maxDownMs: number): void {
    if (this.#group.node(id)) this.#group.crash(id);
    this.#later(10, maxDownMs, () => this.#group.boot(id));
  }

  #crashAtDisk(id: string): void {
    const node = this.#group.node(id);
    if (node) node.operationsLeft = this.#random.int(8);
    this.#later(100, 3000, () => this.#group.boot(id));
  }

  #slowDisk(id: string): void {
    const node = this.#group.node(id);
    if (node) node.diskDelay = 40;
    this.#later(500, 3000, () => {
      if (node) node.diskDelay = 1;
    });
  }

  #halve(): void {
    const side = this.#group.ids.filter(() => this.#random.chance(0.5));
    for (const id of side)
      this.#group.network.isolate(
        id,
        this.#group.ids.filter((other) => !side.includes(other)),
      );
  }

  #deafen(id: string): void {
    for (const other of this.#except(id)) this.#group.network.cut(other, id);
  }

  #pause(node: SimNode | undefined): void {
    node?.sleep();
    this.#later(200, 3000, () => node?.wake());
  }

  #badNetwork(): void {
    this.#group.network.faults = BAD_NETWORK;
    this.#later(300, 2500, () => {
      this.#group.network.faults = ORDINARY_NETWORK;
    });
  }

  #reset(id: string): void {
    for (const other of this.#except(id)) {
      if (this.#random.chance(0.5)) continue;
      for (const isUp of [false, true]) {
        this.#group.node(other)?.connection(id, isUp);
        this.#group.node(id)?.connection(other, isUp);
      }
    }
  }

  #add(): void {
    if (this.#group.ids.length >= MAX_IDS) return;
    this.#onLeader((node) => {
      const id = this.#group.create();
      const add = () => node.change({ kind: "add-learner", member: { id, name: id, address: "a:1" } });
      add();
      for (let at = 1; at < 4; at++)
        this.#later(at * 300, at * 900, () =>
          this.#change((learners) => learners.map((each) => ({ kind: "promote", id: each }))),
        );
    });
  }

  #change(choices: (learners: readonly string[]) => readonly MemberChange[]): void {
    this.#onLeader((node) => {
      const learners = node.core.membership.members.filter((member) => member.isLearner).map((member) => member.id);
      const all = choices(learners);
      if (all.length > 0) node.change(this.#random.pick(all));
    });
  }

  /** To every leader there is, of whatever term. */
  #twoChanges(id: string): void {
    for (const node of this.#leaders()) {
      node.change({ kind: "remove", id });
      node.change({ kind: "remove", id: this.#random.pick(this.#group.ids) });
    }
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
