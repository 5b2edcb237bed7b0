/** A run: a cluster of simulated nodes, clients, and faults drawn from one seed; then everything is healed and the promises are checked. */
import {
  checkLinearizable,
  Network,
  type Operation,
  Random,
  type RegisterInput,
  registerModel,
  Scheduler,
  VersionedObject,
} from "@coracle/sim";
import type { CoreConfig, CoreDefect } from "../../src/core/types.ts";
import type { Position, ReplicationMode } from "../../src/index.ts";
import type { LeaseValue } from "./elector.ts";
import { type Command, NodeDisk, SimNode, type World } from "./node.ts";

export interface RunOptions {
  readonly seed: number;
  readonly mode?: ReplicationMode;
  readonly defects?: readonly CoreDefect[];
  readonly faultyMs?: number;
}

export interface RunResult {
  readonly acknowledged: number;
  readonly reads: number;
  readonly epochs: number;
  readonly faults: readonly string[];
  /** Empty when every promise was kept. */
  readonly problems: readonly string[];
}

const NODES = ["n0", "n1", "n2"];
const KEYS = ["x", "y", "z"];

export function run(options: RunOptions): RunResult {
  return new Run(options).result();
}

class Run implements World {
  readonly scheduler = new Scheduler();
  readonly random: Random;
  readonly network: Network;
  readonly lease: VersionedObject<LeaseValue>;
  readonly ids: readonly string[];
  readonly #options: RunOptions;
  readonly #minInSync: number;
  readonly #disks = new Map<string, NodeDisk>();
  readonly #nodes = new Map<string, SimNode>();
  readonly #history: Operation<RegisterInput, string | undefined>[] = [];
  /** What was applied at each index, by whoever was first. */
  readonly #applied = new Map<
    number,
    { readonly epoch: number; readonly id: number | undefined; readonly by: string }
  >();
  readonly #indexOf = new Map<number, number>();
  readonly #acknowledged = new Set<number>();
  readonly #ackers = new Map<number, string>();
  readonly #faults: string[] = [];
  readonly #problems: string[] = [];
  #wiped: string | undefined;
  #isLeaseDeleted = false;
  #nextId = 1;
  #isOver = false;

  constructor(options: RunOptions) {
    this.#options = options;
    this.random = new Random(options.seed);
    this.ids = NODES;
    this.#minInSync = this.random.chance(0.3) ? 2 : 1;
    this.network = new Network(this.scheduler, this.random.fork(), {
      loss: 0.02,
      duplicate: 0.02,
      minDelayMs: 0.2,
      maxDelayMs: 15,
    });
    const apiFaults = { lostRequest: 0.02, lostAnswer: 0.03, minDelayMs: 1, maxDelayMs: 40 };
    this.lease = new VersionedObject(this.scheduler, this.random.fork(), apiFaults);
    for (const id of NODES) this.#disks.set(id, new NodeDisk(this.#freshDataId()));
    for (const id of NODES) this.#boot(id);
  }

  result(): RunResult {
    const faultyMs = this.#options.faultyMs ?? 25_000;
    for (let i = 0; i < 4; i++) this.#client(`c${i}`);
    this.#injectFaults(faultyMs);
    try {
      this.scheduler.runUntil(faultyMs);
      this.#heal();
      this.scheduler.runUntil(faultyMs + 20_000);
      this.#isOver = true;
      this.scheduler.runUntil(faultyMs + 25_000);
      this.#check();
    } catch (error) {
      this.#problems.push(`an invariant broke: ${error instanceof Error ? error.stack : String(error)}`);
    }
    const reads = this.#history.filter((op) => op.input.type === "read").length;
    const { epoch: epochs = 0 } = this.lease.current.value ?? {};
    return { acknowledged: this.#acknowledged.size, reads, epochs, faults: this.#faults, problems: this.#problems };
  }

  node(id: string): SimNode | undefined {
    return this.#nodes.get(id);
  }

  onApplied(node: SimNode, at: Position, command: Command | undefined): void {
    if (this.#options.mode === "async") return;
    const first = this.#applied.get(at.index);
    if (!first) this.#applied.set(at.index, { epoch: at.epoch, id: command?.id, by: node.id });
    else if (first.epoch !== at.epoch || first.id !== command?.id) {
      this.#problems.push(
        `${node.id} applied ${at.epoch}/${at.index} (${command?.id}), ${first.by} had ${first.epoch} (${first.id}) there`,
      );
    }
    if (command && !this.#indexOf.has(command.id)) this.#indexOf.set(command.id, at.index);
  }

  onAcknowledged(node: SimNode, epoch: number): void {
    const before = this.#ackers.get(epoch);
    if (before !== undefined && before !== node.id)
      this.#problems.push(`${before} and ${node.id} both acknowledged in epoch ${epoch}`);
    this.#ackers.set(epoch, node.id);
  }

  onSnapshot(): void {}

  #freshDataId(): string {
    return `data-${this.random.int(1e9)}`;
  }

  #boot(id: string): void {
    const config: CoreConfig = {
      id,
      mode: this.#options.mode ?? "sync",
      minInSync: this.#minInSync,
      failsafe: true,
      annotation: "in-sync",
      timing: {
        heartbeatMs: 150,
        replicaTimeoutMs: 1200,
        downTimeoutMs: 300,
        slowReplicaMs: 2500,
        confirmMs: 1500,
        bootstrapWaitMs: 2000,
        switchoverMs: 1500,
      },
      replicaWindowBytes: 32,
      maxLagEntries: 50,
      defects: this.#options.defects ?? [],
    };
    this.#nodes.set(id, new SimNode(this, id, config, this.#disks.get(id) as NodeDisk));
  }

  /** One operation after the other; goes to whom it believes to be the primary, and tries others when that fails. */
  #client(name: string): void {
    const random = this.random.fork();
    let target = random.pick(NODES);
    const again = (isGood: boolean) => {
      if (!isGood) target = random.pick(NODES);
      if (!this.#isOver) this.scheduler.after(random.between(1, 60), next);
    };
    const next = () => {
      if (random.chance(0.4)) this.#read(name, target, random.pick(KEYS), again);
      else this.#write(name, target, random.pick(KEYS), again);
    };
    next();
  }

  #write(client: string, target: string, key: string, again: (isGood: boolean) => void): void {
    const id = this.#nextId++;
    const value = `v${id}`;
    const calledAt = this.scheduler.now;
    const input = { type: "write" as const, value };
    this.#call<"ok" | "refused" | "unknown">(
      target,
      (node, answer) => node.propose({ id, key, value }, answer),
      (result) => {
        if (result === "refused") return again(false);
        const isOk = result === "ok";
        if (isOk) this.#acknowledged.add(id);
        const returnedAt = isOk ? this.scheduler.now : Infinity;
        this.#history.push({ client, key, input, calledAt, returnedAt, output: isOk ? "ok" : undefined });
        again(isOk);
      },
      "unknown",
    );
  }

  #read(client: string, target: string, key: string, again: (isGood: boolean) => void): void {
    const calledAt = this.scheduler.now;
    this.#call<{ readonly value: string | undefined } | undefined>(
      target,
      (node, answer) => node.read(key, (value) => answer({ value })),
      (result) => {
        if (result) {
          this.#history.push({
            client,
            key,
            input: { type: "read" },
            calledAt,
            returnedAt: this.scheduler.now,
            output: result.value,
          });
        }
        again(result !== undefined);
      },
      undefined,
    );
  }

  /** A request over a client's own connection; `late` is the outcome when no answer comes. */
  #call<R>(
    target: string,
    request: (node: SimNode, answer: (result: R) => void) => void,
    done: (result: R) => void,
    late: R,
  ): void {
    let isDone = false;
    const finish = (result: R) => {
      if (isDone) return;
      isDone = true;
      done(result);
    };
    this.scheduler.after(2000, () => finish(late));
    this.scheduler.after(this.random.between(0.1, 5), () => {
      const node = this.#nodes.get(target);
      if (node) request(node, (result) => this.scheduler.after(this.random.between(0.1, 5), () => finish(result)));
    });
  }

  #injectFaults(untilMs: number): void {
    const random = this.random.fork();
    const again = () => {
      if (this.scheduler.now > untilMs - 1000) return;
      const name = this.#fault(random);
      this.#faults.push(`${Math.round(this.scheduler.now)} ${name}`);
      this.scheduler.after(random.between(200, 4000), again);
    };
    this.scheduler.after(random.between(1500, 5000), again);
  }

  #fault(random: Random): string {
    const id = random.pick(NODES);
    const others = NODES.filter((other) => other !== id);
    const node = this.#nodes.get(id);
    const primary = [...this.#nodes.values()].find((candidate) => candidate.core.isLeading);
    const faults: Record<string, () => void> = {
      crash: () => this.#crash(id, random.between(10, 6000)),
      "crash primary": () => primary && this.#crash(primary.id, random.between(10, 6000)),
      "crash all": () => {
        for (const each of NODES) this.#crash(each, random.between(10, 3000));
      },
      isolate: () => this.network.isolate(id, others),
      "isolate primary": () =>
        primary &&
        this.network.isolate(
          primary.id,
          NODES.filter((other) => other !== primary.id),
        ),
      "cut one way": () => this.network.cut(id, random.pick(others)),
      heal: () => this.network.heal(),
      "heal again": () => this.network.heal(),
      pause: () => this.#pause(node, random.between(500, 7000)),
      "pause primary": () => this.#pause(primary, random.between(500, 7000)),
      "api away": () => this.#away(NODES, random.between(500, 8000)),
      "api away for one": () => this.#away([id], random.between(500, 8000)),
      "slow api": () => this.#slowApi(random.between(1000, 5000)),
      "bad network": () => this.#badNetwork(random.between(500, 4000)),
      switchover: () => primary?.handOver(random.pick(NODES)),
      wipe: () => this.#wipe(id),
      "delete lease": () => {
        if (random.chance(0.3)) this.#deleteLease();
      },
    };
    const name = random.pick(Object.keys(faults));
    faults[name]?.();
    return `${name} ${id}`;
  }

  #crash(id: string, downMs: number): void {
    const node = this.#nodes.get(id);
    if (!node) return;
    node.crash();
    this.#nodes.delete(id);
    this.scheduler.after(downMs, () => {
      if (!this.#nodes.has(id)) this.#boot(id);
    });
  }

  #pause(node: SimNode | undefined, ms: number): void {
    node?.sleep();
    this.scheduler.after(ms, () => node?.wake());
  }

  #away(clients: readonly string[], ms: number): void {
    for (const client of clients) this.lease.setAway(client, true);
    this.scheduler.after(ms, () => {
      for (const client of clients) this.lease.setAway(client, false);
    });
  }

  #slowApi(ms: number): void {
    const { faults } = this.lease;
    this.lease.faults = { lostRequest: 0.2, lostAnswer: 0.3, minDelayMs: 50, maxDelayMs: 1500 };
    this.scheduler.after(ms, () => {
      this.lease.faults = faults;
    });
  }

  #badNetwork(ms: number): void {
    const { faults } = this.network;
    this.network.faults = { loss: 0.3, duplicate: 0.2, minDelayMs: 1, maxDelayMs: 400 };
    this.scheduler.after(ms, () => {
      this.network.faults = faults;
    });
  }

  /** Empties one disk, once per run, where the record names two others that hold everything: what promise 1 allows to lose. */
  #wipe(id: string): void {
    if (this.#wiped !== undefined || this.#isLeaseDeleted) return;
    const text = this.lease.current.value?.annotations["in-sync"] ?? '{"members":[]}';
    const { members } = JSON.parse(text) as { members: string[] };
    const whole = members.filter((member) => member !== id && this.#disks.get(member)?.meta.value.isComplete);
    if (whole.length < 2) return;
    this.#wiped = id;
    this.#nodes.get(id)?.crash();
    this.#nodes.delete(id);
    this.#disks.set(id, new NodeDisk(this.#freshDataId()));
    this.#boot(id);
  }

  #deleteLease(): void {
    if (this.#wiped !== undefined || this.#options.mode === "async") return;
    this.#isLeaseDeleted = true;
    this.lease.delete();
  }

  #heal(): void {
    this.network.heal();
    this.network.faults = { loss: 0, duplicate: 0, minDelayMs: 0.2, maxDelayMs: 5 };
    this.lease.faults = { lostRequest: 0, lostAnswer: 0, minDelayMs: 1, maxDelayMs: 5 };
    for (const id of NODES) {
      this.lease.setAway(id, false);
      if (this.#nodes.has(id)) this.#nodes.get(id)?.wake();
      else this.#boot(id);
    }
  }

  #check(): void {
    const verdict = checkLinearizable(this.#history, registerModel);
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
    for (const id of this.#acknowledged) {
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

  /** Healed, the group must work again, unless the only disks that the record trusts were emptied. */
  #checkLiveness(): void {
    const nodes = [...this.#nodes.values()];
    const primary = nodes.find((node) => node.core.hasOpened);
    if (!primary) {
      if (this.#wiped === undefined) this.#problems.push(`no primary after healing; ${this.#describe()}`);
      return;
    }
    for (const node of nodes) {
      if (node.applied.index !== primary.applied.index || node.applied.epoch !== primary.applied.epoch) {
        this.#problems.push(
          `${node.id} ends at ${JSON.stringify(node.applied)}, the primary ${primary.id} at ${JSON.stringify(primary.applied)}`,
        );
      }
    }
  }
}
