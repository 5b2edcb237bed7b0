/** A run: a cluster of simulated nodes, clients, and faults drawn from one seed; then everything is healed and the promises are checked. */
import {
  checkLinearizable,
  Network,
  Random,
  RegisterClients,
  type RegisterService,
  type RegisterWrite,
  registerModel,
  Scheduler,
  VersionedObject,
} from "@coracle/sim";
import { readRecord } from "../../src/core/record.ts";
import type { CoreConfig, CoreDefect } from "../../src/core/types.ts";
import type { Position, ReplicationMode } from "../../src/index.ts";
import { ApiAway } from "./api-away.ts";
import type { LeaseValue } from "./elector.ts";
import { type FaultPace, type FaultSource, Faults, type Group, ORDINARY_API, ORDINARY_NETWORK } from "./faults.ts";
import { holds } from "./invariants.ts";
import { NodeDisk, SimNode, type World } from "./node.ts";

export interface RunOptions {
  readonly seed: number;
  readonly mode?: ReplicationMode;
  readonly defects?: readonly CoreDefect[];
  /** Default: long. */
  readonly pace?: Pace;
  /** The API alone is away; default: all faults. */
  readonly isApiAway?: boolean;
}

export interface RunResult {
  readonly acknowledged: number;
  readonly reads: number;
  readonly epochs: number;
  readonly crashes: number;
  /** How long nobody led, from the first acknowledged write until all was healed. */
  readonly unledMs: number;
  readonly faults: readonly string[];
  /** Empty when every promise was kept. */
  readonly problems: readonly string[];
}

/** How long a run is and how dense. */
export interface Pace extends FaultPace {
  readonly faultyMs: number;
  /** How long clients go on after all was healed, at least. */
  readonly healedMs: number;
  readonly bootstrapWaitMs: number;
  /** Longest pause of a client: most of what a run costs are their requests. */
  readonly pauseMs: number;
}

/** Much data, many catch-ups, and time enough for slow things to go wrong. */
export const LONG: Pace = {
  faultyMs: 25_000,
  healedMs: 5000,
  firstMs: [1500, 5000],
  gapMs: [400, 5000],
  burst: 0.4,
  bootstrapWaitMs: 2000,
  pauseMs: 60,
};

/** One knot of faults on a young group: many such runs meet more courses of events than few long ones in the same time. */
export const SHORT: Pace = {
  faultyMs: 7000,
  healedMs: 500,
  firstMs: [300, 1500],
  gapMs: [100, 1500],
  burst: 0.5,
  bootstrapWaitMs: 200,
  pauseMs: 200,
};

/** By then a healed group must work, and its replicas must have caught up once no more is written. */
const RECOVERY_MS = 20_000;
const CATCH_UP_MS = 5000;

const NODES = ["n0", "n1", "n2"];
const ANNOTATION = "in-sync";
const WATCH_MS = 50;

/** Each goes to whom it believes to be the primary, and tries others when that fails. */
const CLIENTS = { timeoutMs: 2000, staysWithGood: true };

export function run(options: RunOptions): RunResult {
  return new Run(options).result();
}

class Run implements World, Group {
  readonly scheduler = new Scheduler();
  readonly random: Random;
  readonly network: Network;
  readonly lease: VersionedObject<LeaseValue>;
  readonly ids: readonly string[];
  readonly retainEntries: number;
  readonly #options: RunOptions;
  readonly #minInSync: number;
  readonly #disks = new Map<string, NodeDisk>();
  readonly #nodes = new Map<string, SimNode>();
  /** What was applied at each index, by whoever was first. */
  readonly #applied = new Map<
    number,
    { readonly epoch: number; readonly id: number | undefined; readonly by: string }
  >();
  readonly #indexOf = new Map<number, number>();
  readonly #ackers = new Map<number, string>();
  /** The furthest entry that a client was told of. */
  #acknowledged: Position = { epoch: 0, index: 0 };
  readonly #problems: string[] = [];
  readonly #clients: RegisterClients<string>;
  readonly #faults: FaultSource;
  readonly #pace: Pace;
  #record: { readonly of: LeaseValue | undefined; readonly members: readonly string[] } = {
    of: undefined,
    members: [],
  };
  #crashes = 0;
  #unledMs = 0;
  #isHealed = false;

  constructor(options: RunOptions) {
    this.#options = options;
    this.#pace = options.pace ?? LONG;
    this.random = new Random(options.seed);
    this.ids = NODES;
    this.retainEntries = this.random.chance(0.5) ? 40 : 5000;
    this.#minInSync = this.random.chance(0.3) ? 2 : 1;
    this.network = new Network(this.scheduler, this.random.fork(), ORDINARY_NETWORK);
    this.lease = new VersionedObject(this.scheduler, this.random.fork(), ORDINARY_API);
    this.#clients = new RegisterClients(this.scheduler, this.random.fork(), this.#service(), {
      ...CLIENTS,
      pauseMs: this.#pace.pauseMs,
    });
    this.#faults = new (options.isApiAway ? ApiAway : Faults)(this, this.random.fork(), this.#pace);
    for (const id of NODES) this.#disks.set(id, this.#newDisk());
    for (const id of NODES) this.boot(id);
  }

  result(): RunResult {
    const { faultyMs, healedMs } = this.#pace;
    this.#clients.start(4);
    this.#faults.start();
    this.#watch();
    try {
      this.scheduler.runUntil(faultyMs);
      this.#faults.heal();
      this.#isHealed = true;
      this.scheduler.runUntil(faultyMs + healedMs);
      this.#runUntil(() => this.#primary !== undefined, RECOVERY_MS);
      this.#clients.stop();
      this.#runUntil(
        () => this.#clients.isIdle && this.#primary !== undefined && this.#behind.length === 0,
        CATCH_UP_MS,
      );
      this.#check();
    } catch (error) {
      this.#problems.push(`an invariant broke: ${error instanceof Error ? error.stack : String(error)}`);
    }
    const { history, acknowledged } = this.#clients;
    const reads = history.filter((op) => op.input.type === "read").length;
    const { epoch: epochs = 0 } = this.lease.current.value ?? {};
    return {
      acknowledged: acknowledged.size,
      reads,
      epochs,
      crashes: this.#crashes,
      unledMs: this.#unledMs,
      faults: this.#faults.log,
      problems: this.#problems,
    };
  }

  #runUntil(isReached: () => boolean, boundMs: number): void {
    const end = this.scheduler.now + boundMs;
    while (this.scheduler.now < end && !isReached()) this.scheduler.runUntil(this.scheduler.now + WATCH_MS);
  }

  #service(): RegisterService<string> {
    return {
      targets: () => this.ids,
      write: (id, write, answer) => this.node(id)?.propose(write, answer),
      read: (id, key, answer) => this.node(id)?.read(key, answer),
    };
  }

  #watch(): void {
    this.#checkRecord();
    const isLed = [...this.#nodes.values()].some((node) => node.core.isLeading);
    if (!isLed && this.#acknowledged.index > 0 && !this.#isHealed) this.#unledMs += WATCH_MS;
    this.scheduler.after(WATCH_MS, () => this.#watch());
  }

  get canDeleteLease(): boolean {
    // A member that never joined could rightly take a deleted record for a first boot; and what never opened can't be recovered, but nothing is lost with it.
    const haveJoined = [...this.#disks.values()].every((disk) => disk.meta.value.inSync !== undefined);
    return this.#options.mode !== "async" && haveJoined;
  }

  node(id: string): SimNode | undefined {
    return this.#nodes.get(id);
  }

  onApplied(node: SimNode, at: Position, command: RegisterWrite | undefined): void {
    if (this.#options.mode === "async") return;
    const first = this.#applied.get(at.index);
    if (!first) this.#applied.set(at.index, { epoch: at.epoch, id: command?.id, by: node.id });
    else if (first.epoch !== at.epoch || first.id !== command?.id) {
      this.#problem(
        `${node.id} applied ${at.epoch}/${at.index} (${command?.id}), ${first.by} had ${first.epoch} (${first.id}) there`,
      );
    }
    if (command && !this.#indexOf.has(command.id)) this.#indexOf.set(command.id, at.index);
  }

  onAcknowledged(node: SimNode, at: Position): void {
    const { epoch } = at;
    const before = this.#ackers.get(epoch);
    if (before !== undefined && before !== node.id)
      this.#problem(`${before} and ${node.id} both acknowledged in epoch ${epoch}`);
    this.#ackers.set(epoch, node.id);
    if (at.index > this.#acknowledged.index) this.#acknowledged = at;
    this.#checkRecord();
  }

  onBroken(node: SimNode, what: string): void {
    this.#problem(`${node.id} ${what}`);
  }

  /** Whoever the record names could take the Lease now: each must hold all that was acknowledged. */
  #checkRecord(): void {
    const at = this.#acknowledged;
    if (this.#options.mode === "async" || at.index === 0) return;
    const { value } = this.lease.current;
    if (this.#record.of !== value) this.#record = { of: value, members: readRecord(value, ANNOTATION)?.members ?? [] };
    for (const id of this.#record.members) {
      if (!holds(this.#disks.get(id) as NodeDisk, at))
        this.#problem(`the record names ${id}, which lacks ${at.epoch}/${at.index}, acknowledged`);
    }
  }

  /** The first few say it all. */
  #problem(what: string): void {
    if (this.#problems.length < 10) this.#problems.push(`at ${Math.round(this.scheduler.now)} ms: ${what}`);
  }

  crash(id: string): void {
    if (this.#nodes.has(id)) this.#crashes++;
    this.#nodes.get(id)?.crash();
    this.#nodes.delete(id);
  }

  contents(id: string): "empty" | "copying" | "whole" {
    const meta = this.#disks.get(id)?.meta.value;
    if (meta?.isComplete) return "whole";
    return meta?.dataId === undefined ? "empty" : "copying";
  }

  wipe(id: string): void {
    this.crash(id);
    this.#disks.set(id, this.#newDisk());
    this.boot(id);
  }

  #newDisk(): NodeDisk {
    return new NodeDisk(`data-${this.random.int(1e9)}`);
  }

  boot(id: string): void {
    if (this.#nodes.has(id)) return;
    const config: CoreConfig = {
      id,
      mode: this.#options.mode ?? "sync",
      minInSync: this.#minInSync,
      failsafe: true,
      annotation: ANNOTATION,
      timing: {
        heartbeatMs: 150,
        replicaTimeoutMs: 1200,
        downTimeoutMs: 300,
        slowReplicaMs: 2500,
        bootstrapWaitMs: this.#pace.bootstrapWaitMs,
        switchoverMs: 1500,
      },
      replicaWindowBytes: 32,
      maxLagEntries: 50,
      defects: this.#options.defects ?? [],
    };
    this.#nodes.set(id, new SimNode(this, id, config, this.#disks.get(id) as NodeDisk));
  }

  #check(): void {
    const verdict = checkLinearizable(this.#clients.history, registerModel);
    if (this.#options.mode !== "async" && !verdict.isLinearizable) {
      const shown = verdict.operations
        .slice(-8)
        .map(
          (op) =>
            `${op.input.type === "write" ? `${op.input.value}!` : `${op.output}?`}@${Math.round(op.calledAt)}-${Math.round(op.returnedAt)}`,
        );
      this.#problems.push(`not linearizable at ${verdict.key}: ... ${shown.join(" ")}`);
    }
    this.#checkSurvival();
    this.#checkLiveness();
  }

  #checkSurvival(): void {
    if (this.#options.mode === "async") return;
    const reached = Math.max(
      0,
      ...[...this.#nodes.values()].filter((node) => node.core.hasOpened).map((node) => node.applied.index),
    );
    for (const id of this.#clients.acknowledged) {
      const index = this.#indexOf.get(id);
      if (index === undefined) this.#problems.push(`write ${id} was acknowledged and never applied`);
      else if (reached > 0 && index > reached)
        this.#problems.push(`write ${id} at ${index} was acknowledged, the primary ends at ${reached}`);
    }
  }

  #describe(): string {
    const disks = NODES.map(
      (id) => `${id}: ${JSON.stringify(this.#disks.get(id)?.meta.value)} ${this.#nodes.get(id)?.abstains ?? ""}`,
    );
    return `record ${JSON.stringify(this.lease.current.value)}\n${disks.join("\n")}`;
  }

  get #primary(): SimNode | undefined {
    return [...this.#nodes.values()].find((node) => node.core.hasOpened);
  }

  get #behind(): readonly SimNode[] {
    const at = this.#primary?.applied;
    return [...this.#nodes.values()].filter(
      ({ applied }) => applied.index !== at?.index || applied.epoch !== at?.epoch,
    );
  }

  /** Healed, the group must work again, unless the only disks that the record trusts were emptied. */
  #checkLiveness(): void {
    const primary = this.#primary;
    if (!primary) {
      if (!this.#faults.hasWiped) this.#problems.push(`no primary after healing; ${this.#describe()}`);
      return;
    }
    for (const node of this.#behind) {
      this.#problems.push(
        `${node.id} ends at ${JSON.stringify(node.applied)}, the primary ${primary.id} at ${JSON.stringify(primary.applied)}; ${JSON.stringify(primary.core.status(primary.clock.now()).replicas)} ${JSON.stringify({ ...node.core.status(node.clock.now()), base: node.core.base })}`,
      );
    }
  }
}
