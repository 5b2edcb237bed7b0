/** A run: a group of simulated members, clients, and faults drawn from one seed; then everything is healed and the promises are checked. */
import {
  checkLinearizable,
  Network,
  Random,
  RegisterClients,
  type RegisterService,
  type RegisterWrite,
  registerModel,
  Scheduler,
} from "@coracle/sim";
import { memberOf } from "../../src/core/membership.ts";
import type { CoreConfig, CoreDefect, LogEntry } from "../../src/core/types.ts";
import { commandOf } from "../../src/driver/proposals.ts";
import { Faults, type Faulty, ORDINARY_NETWORK } from "./faults.ts";
import { MemberDisk, SimNode, type World } from "./node.ts";

export interface RunOptions {
  readonly seed: number;
  readonly defects?: readonly CoreDefect[];
  readonly faultyMs?: number;
}

export interface RunResult {
  readonly acknowledged: number;
  readonly reads: number;
  readonly terms: number;
  readonly memberships: number;
  readonly snapshots: number;
  readonly faults: readonly string[];
  /** Empty when every promise was kept. */
  readonly problems: readonly string[];
}

interface Applied {
  readonly term: number;
  readonly id: number | undefined;
  readonly by: string;
}

/** At any member: a follower passes requests on. */
const CLIENTS = { timeoutMs: 800, pauseMs: 40, staysWithGood: false };

export function run(options: RunOptions): RunResult {
  return new Run(options).result();
}

class Run implements World, Faulty {
  readonly scheduler = new Scheduler();
  readonly random: Random;
  readonly network: Network;
  readonly snapshotEntries: number;
  readonly retainEntries: number;
  ids: readonly string[] = [];
  readonly #options: RunOptions;
  readonly #disks = new Map<string, MemberDisk>();
  readonly #nodes = new Map<string, SimNode>();
  readonly #leaders = new Map<number, string>();
  /** Term of each committed entry, and who committed it first. */
  readonly #committed: { readonly term: number; readonly by: string }[] = [];
  readonly #commitOf = new WeakMap<SimNode, number>();
  readonly #applied = new Map<number, Applied>();
  readonly #indexOf = new Map<number, number>();
  readonly #writes = new Map<LogEntry, RegisterWrite | undefined>();
  readonly #problems: string[] = [];
  readonly #clients: RegisterClients<SimNode>;
  readonly #faults: Faults;
  #memberships = 0;

  constructor(options: RunOptions) {
    this.#options = options;
    this.random = new Random(options.seed);
    this.snapshotEntries = this.random.chance(0.5) ? 15 : 400;
    this.retainEntries = this.random.pick([0, 5, 30]);
    this.network = new Network(this.scheduler, this.random.fork(), ORDINARY_NETWORK);
    this.#clients = new RegisterClients(this.scheduler, this.random.fork(), this.#service(), CLIENTS);
    this.#faults = new Faults(this, this.random.fork());
    this.#form(this.random.pick([3, 3, 4, 5]));
  }

  result(): RunResult {
    const faultyMs = this.#options.faultyMs ?? 3000;
    try {
      this.#clients.start(4);
      this.#faults.start();
      this.scheduler.runUntil(faultyMs);
      this.#faults.heal();
      this.scheduler.runUntil(faultyMs + 1500);
      this.#clients.stop();
      this.scheduler.runUntil(faultyMs + 2300);
      this.#check();
    } catch (error) {
      this.#problems.push(`an invariant broke: ${error instanceof Error ? error.stack : String(error)}`);
    }
    return {
      acknowledged: this.#clients.acknowledged.size,
      reads: this.#clients.history.filter((op) => op.input.type === "read").length,
      terms: this.#leaders.size,
      memberships: this.#memberships,
      snapshots: [...this.#disks.values()].filter((disk) => disk.snapshot.value.meta.index > 0).length,
      faults: this.#faults.log,
      problems: this.#problems,
    };
  }

  #service(): RegisterService<SimNode> {
    return {
      targets: () => [...this.#nodes.values()],
      write: (node, write, answer) => node.propose(write, answer),
      read: (node, key, answer) => node.read(key, answer),
    };
  }

  /** Every first member begins with the same first entry. */
  #form(size: number): void {
    const ids = Array.from({ length: size }, (_, i) => `n${i + 1}`);
    const members = ids.map((id) => ({ id, name: id, address: "a:1", isLearner: false }));
    for (const id of ids) {
      const disk = new MemberDisk();
      disk.log.append([
        { hardState: { term: 1, vote: undefined } },
        { entries: [{ index: 1, term: 1, membership: { members, removed: [] } }] },
      ]);
      disk.log.synced(2);
      this.#disks.set(id, disk);
    }
    this.ids = ids;
    for (const id of ids) this.boot(id);
  }

  create(): string {
    const id = `n${this.ids.length + 1}`;
    this.#disks.set(id, new MemberDisk());
    this.ids = [...this.ids, id];
    this.boot(id);
    return id;
  }

  node(id: string): SimNode | undefined {
    return this.#nodes.get(id);
  }

  crash(id: string): void {
    this.#nodes.get(id)?.crash();
    this.#nodes.delete(id);
    // A process that dies takes its connections along, and the others notice.
    for (const other of this.ids)
      this.scheduler.after(this.random.between(0.5, 20), () => this.#nodes.get(other)?.connection(id, false));
  }

  boot(id: string): void {
    if (this.#nodes.has(id)) return;
    const node = new SimNode(this, this.#config(id), this.#disks.get(id) as MemberDisk);
    this.#nodes.set(id, node);
    for (const other of this.ids) this.#nodes.get(other)?.connection(id, true);
  }

  #config(id: string): CoreConfig {
    const random = this.random.fork();
    return {
      id,
      electionTicks: 6,
      heartbeatTicks: 2,
      random: () => random.next(),
      maxAppendBytes: 400,
      maxInflight: 4,
      maxInflightBytes: 2000,
      maxUncommittedBytes: 6000,
      maxReads: 50,
      promoteLagEntries: 10,
      maxMembers: 7,
      defects: this.#options.defects ?? [],
    };
  }

  /** Election safety, leader completeness, and one history of what is committed (figure 3). */
  stepped(node: SimNode): void {
    const { core } = node;
    const before = this.#commitOf.get(node) ?? core.base.index;
    for (let index = Math.max(before, core.base.index) + 1; index <= core.commit; index++)
      this.#onCommitted(node, index, core.termAt(index) as number);
    this.#commitOf.set(node, core.commit);
    if (!core.isLeading || this.#leaders.get(core.term) === node.id) return;
    const other = this.#leaders.get(core.term);
    if (other !== undefined) this.#problem(`${other} and ${node.id} both lead in term ${core.term}`);
    this.#leaders.set(core.term, node.id);
    this.#checkCompleteness(node);
  }

  #onCommitted(node: SimNode, index: number, term: number): void {
    const first = this.#committed[index];
    if (!first) this.#committed[index] = { term, by: node.id };
    else if (first.term !== term)
      this.#problem(`${node.id} committed term ${term} at ${index}, ${first.by} had term ${first.term} there`);
  }

  #checkCompleteness({ id, core }: SimNode): void {
    for (let index = core.base.index + 1; index < this.#committed.length; index++) {
      const wanted = this.#committed[index];
      if (wanted && wanted.term <= core.term && core.termAt(index) !== wanted.term) {
        this.#problem(`${id} leads in term ${core.term} without entry ${index}, which ${wanted.by} committed`);
        return;
      }
    }
  }

  /** Members hold the same objects, so each is read once for all of them. */
  writeOf(entry: LogEntry): RegisterWrite | undefined {
    if (this.#writes.has(entry)) return this.#writes.get(entry);
    const bytes = commandOf(entry);
    const write = bytes.length > 0 ? (JSON.parse(Buffer.from(bytes).toString()) as RegisterWrite) : undefined;
    this.#writes.set(entry, write);
    return write;
  }

  applied(node: SimNode, entry: LogEntry): void {
    const id = this.writeOf(entry)?.id;
    const first = this.#applied.get(entry.index);
    if (first) {
      if (first.term !== entry.term || first.id !== id)
        this.#problem(
          `${node.id} applied ${entry.term} (${id}) at ${entry.index}, ${first.by} ${first.term} (${first.id})`,
        );
      return;
    }
    this.#applied.set(entry.index, { term: entry.term, id, by: node.id });
    if (entry.membership) this.#memberships++;
    if (id === undefined) return;
    if (this.#indexOf.has(id))
      this.#problem(`write ${id} took effect at ${this.#indexOf.get(id)} and at ${entry.index}`);
    this.#indexOf.set(id, entry.index);
  }

  #problem(text: string): void {
    this.#problems.push(`${Math.round(this.scheduler.now)}: ${text}`);
  }

  #check(): void {
    const verdict = checkLinearizable(this.#clients.history, registerModel);
    if (!verdict.isLinearizable) {
      const shown = verdict.operations
        .slice(-8)
        .map(
          ({ input, output, calledAt, returnedAt }) =>
            `${input.type === "write" ? `${input.value}!` : `${output}?`}@${Math.round(calledAt)}-${Math.round(returnedAt)}`,
        );
      this.#problem(`not linearizable at ${verdict.key}: ... ${shown.join(" ")}`);
    }
    for (const id of this.#clients.acknowledged)
      if (!this.#indexOf.has(id)) this.#problem(`write ${id} was acknowledged and never applied`);
    this.#checkLiveness();
  }

  /** Healed, the group must work again, and all its members must hold the same. */
  #checkLiveness(): void {
    const leaders = [...this.#nodes.values()].filter(({ core }) => core.isLeading);
    const leader = leaders.sort((a, b) => b.core.term - a.core.term)[0];
    if (!leader) {
      this.#problem(`no leader after healing: ${[...this.#nodes.values()].map(describe).join("; ")}`);
      return;
    }
    for (const node of this.#nodes.values()) {
      if (!memberOf(leader.core.membership, node.id) || node.applied === leader.applied) continue;
      this.#problem(`after healing: ${describe(leader)}; ${describe(node)}; ${JSON.stringify(leader.core.progress())}`);
    }
    const last = Math.max(0, ...[...this.#clients.acknowledged].map((id) => this.#indexOf.get(id) ?? 0));
    if (leader.applied < last) this.#problem(`${leader.id} ends at ${leader.applied}, ${last} was acknowledged`);
  }
}

function describe({ id, core, applied }: SimNode): string {
  const members = core.membership.members.map((member) => `${member.id}${member.isLearner ? "?" : ""}`);
  return `${id} is ${core.role} in ${core.term}, applied ${applied} of ${core.commit}/${core.last} from ${core.base.index}, of [${members}]`;
}
