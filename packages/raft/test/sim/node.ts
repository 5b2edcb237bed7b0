/** One simulated member: the real core, driven on a simulated disk, network and clock. It performs batches as the driver does. */
import {
  CellDisk,
  LogDisk,
  type Network,
  NodeClock,
  type Random,
  type RegisterWrite,
  type Scheduler,
  type WriteOutcome,
} from "@coracle/sim";
import { Core } from "../../src/core/core.ts";
import { checkInvariants, pastOf } from "../../src/core/invariants.ts";
import { NOBODY } from "../../src/core/membership.ts";
import type { Message } from "../../src/core/messages.ts";
import type { Batch, CoreConfig, Input, LogEntry, SnapshotMeta } from "../../src/core/types.ts";
import { type Proposal, Proposals } from "../../src/driver/proposals.ts";
import { type LogRecord, Replay } from "../../src/driver/replay.ts";
import type { RaftError } from "../../src/errors.ts";
import type { MemberChange } from "../../src/types.ts";

export interface State {
  readonly meta: SnapshotMeta;
  readonly values: ReadonlyMap<string, string>;
}

const EMPTY: State = { meta: { index: 0, term: 0, membership: NOBODY }, values: new Map() };

/** What survives a crash. */
export class MemberDisk {
  readonly log = new LogDisk<LogRecord>();
  readonly snapshot = new CellDisk<State>(EMPTY);
}

export interface World {
  readonly scheduler: Scheduler;
  readonly network: Network;
  readonly random: Random;
  /** Applied entries after which a snapshot is taken, and how many stay in the log behind it. */
  readonly snapshotEntries: number;
  readonly retainEntries: number;
  node(id: string): SimNode | undefined;
  stepped(node: SimNode): void;
  /** What an entry writes. */
  writeOf(entry: LogEntry): RegisterWrite | undefined;
  applied(node: SimNode, entry: LogEntry): void;
  crash(id: string): void;
}

const REQUEST_MS = 1500;
const LIMITS = { maxCommandBytes: 10_000, maxPending: 100, maxPendingBytes: 100_000 };

export class SimNode {
  readonly id: string;
  readonly core: Core;
  readonly clock: NodeClock;
  readonly disk: MemberDisk;
  /** Raised while its disk is slow. */
  diskDelay = 1;
  /** Disk operations that it still does before it crashes. */
  operationsLeft = Infinity;
  readonly values: Map<string, string>;
  applied: number;
  readonly #world: World;
  readonly #proposals: Proposals;
  #queue: { readonly input: Input; readonly done: ((batch: Batch) => void) | undefined }[] = [];
  #isBusy = false;
  #isDead = false;
  #isAsleep = false;
  #backlog: (() => void)[] = [];
  #sinceSnapshot = 0;
  #incoming: State | undefined;
  #nextRead = 1;
  readonly #reads = new Map<number, (index: number | undefined) => void>();
  #waiting: { readonly index: number; readonly done: () => void }[] = [];

  constructor(world: World, config: CoreConfig, disk: MemberDisk) {
    this.#world = world;
    this.id = config.id;
    this.disk = disk;
    this.clock = new NodeClock(world.scheduler, world.random, 0.1);
    this.#proposals = new Proposals(LIMITS, world.random.bits());
    const state = disk.snapshot.value;
    this.values = new Map(state.values);
    this.applied = state.meta.index;
    this.core = new Core(config, recover(disk, state.meta));
    this.#every(50, () => {
      this.submit({ type: "tick" });
      this.#proposals.expire(this.clock.now() - REQUEST_MS);
      this.#pump();
    });
  }

  /** Nothing of this incarnation happens any more; the disk keeps what it would. */
  crash(): void {
    this.#isDead = true;
    this.disk.log.crash(this.#world.random);
    this.disk.snapshot.crash(this.#world.random);
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  /** As SIGSTOP: everything that happens to it waits. */
  sleep(): void {
    this.#isAsleep = true;
  }

  wake(): void {
    this.#isAsleep = false;
    for (const task of this.#backlog.splice(0)) this.#awake(task);
  }

  receive(from: string, message: Message): void {
    this.#awake(() => this.submit({ type: "message", from, message }));
  }

  connection(to: string, isUp: boolean): void {
    this.#awake(() => this.submit({ type: isUp ? "peer-up" : "peer-down", id: to }));
  }

  propose(command: RegisterWrite, answer: (outcome: WriteOutcome) => void): void {
    this.#awake(() => {
      const resolve = () => answer("ok");
      const reject = (error: RaftError) => answer(error.code === "indeterminate" ? "unknown" : "refused");
      this.#proposals.add(Buffer.from(JSON.stringify(command)), this.clock.now(), { resolve, reject });
      this.#pump();
    });
  }

  /** Calls back with the value, or not at all when it can't be read now. */
  read(key: string, answer: (value: string | undefined) => void): void {
    this.#awake(() => {
      const serve = (index: number | undefined) => {
        if (index !== undefined) this.#whenApplied(index, () => answer(this.values.get(key)));
      };
      const { leader } = this.core;
      if (this.core.isLeading) this.readIndex(serve);
      else if (leader !== undefined) this.#ask(leader, (node, reply) => node.readIndex(reply), serve);
    });
  }

  readIndex(answer: (index: number | undefined) => void): void {
    const id = this.#nextRead++;
    this.#reads.set(id, answer);
    this.submit({ type: "read", id }, ({ refused }) => {
      if (refused) this.#answerRead(id, undefined);
    });
  }

  change(change: MemberChange): void {
    this.#awake(() => this.submit({ type: "change", change }));
  }

  transfer(to: string | undefined): void {
    this.#awake(() => this.submit({ type: "transfer", to }));
  }

  submit(input: Input, done?: (batch: Batch) => void): void {
    if (this.#isDead || (input.type === "tick" && this.#isBusy)) return;
    this.#queue.push({ input, done });
    if (!this.#isBusy) this.#drain();
  }

  #drain(): void {
    this.#isBusy = true;
    for (let next = this.#queue.shift(); next && !this.#isDead; next = this.#queue.shift()) {
      const { input, done } = next;
      const past = pastOf(this.core.state);
      const batch = this.core.step(input);
      checkInvariants(this.core.state, past);
      this.#world.stepped(this);
      const finish = () => {
        this.#perform(batch);
        done?.(batch);
      };
      if (batch.hardState || batch.install) {
        this.#persist(batch, () => {
          finish();
          this.#drain();
        });
        return;
      }
      finish();
    }
    this.#isBusy = false;
  }

  /** The snapshot's file first, then one write of base, hard state and entries. */
  #persist({ hardState, install, append }: Batch, done: () => void): void {
    const write = () => {
      if (install) this.disk.log.append([{ base: install }]);
      if (hardState) this.disk.log.append([{ hardState }]);
      if (append) this.disk.log.append([{ entries: append.entries }]);
      this.#sync(done);
    };
    if (!install) {
      write();
      return;
    }
    this.disk.snapshot.write(this.#incoming as State);
    this.#operation(() => {
      this.disk.snapshot.synced();
      write();
    });
  }

  #perform(batch: Batch): void {
    const { hardState, install, append, sends, snapshots, applyTo, reads, lostReads } = batch;
    if (append) this.#append(append, hardState !== undefined || install !== undefined);
    for (const { to, message } of sends) {
      if (this.#isDead) return;
      this.#world.network.send(this.id, to, () => this.#world.node(to)?.receive(this.id, message));
    }
    for (const to of snapshots) this.#sendSnapshot(to);
    if (install) this.#install(this.#incoming as State);
    if (applyTo !== undefined) this.#apply(applyTo);
    for (const { id, index } of reads) this.#answerRead(id, index);
    for (const id of lostReads) this.#answerRead(id, undefined);
    if (batch.isChanged) this.#pump();
  }

  #append({ write, entries }: NonNullable<Batch["append"]>, isDurable: boolean): void {
    if (isDurable) {
      this.submit({ type: "durable", write });
      return;
    }
    this.disk.log.append([{ entries }]);
    this.#sync(() => this.submit({ type: "durable", write }));
  }

  #sync(done: () => void): void {
    const through = this.disk.log.lastIndex;
    this.#operation(() => {
      this.disk.log.synced(through);
      done();
    });
  }

  /** One operation of the disk, which may be the last. */
  #operation(done: () => void): void {
    if (this.operationsLeft-- <= 0) {
      // Not within the step that is being performed.
      this.#world.scheduler.after(0, () => !this.#isDead && this.#world.crash(this.id));
      return;
    }
    this.clock.after(this.#world.random.between(0.05, 4) * this.diskDelay, () => this.#awake(done));
  }

  #install(state: State): void {
    this.values.clear();
    for (const [key, value] of state.values) this.values.set(key, value);
    this.#appliedTo(state.meta.index);
    this.#proposals.skipped(state.meta.term);
  }

  #apply(to: number): void {
    const entries = this.core.entries(this.applied + 1, to);
    for (const entry of entries) {
      const write = this.#world.writeOf(entry);
      if (write) this.values.set(write.key, write.value);
      this.#world.applied(this, entry);
    }
    this.#appliedTo(to);
    this.#proposals.applied(
      entries,
      entries.map(() => undefined),
    );
    this.#sinceSnapshot += entries.length;
    if (this.#sinceSnapshot >= this.#world.snapshotEntries) this.#snapshot();
  }

  #appliedTo(index: number): void {
    this.applied = index;
    const due = this.#waiting.filter((each) => each.index <= index);
    this.#waiting = this.#waiting.filter((each) => each.index > index);
    for (const { done } of due) done();
  }

  #whenApplied(index: number, done: () => void): void {
    if (this.applied >= index) done();
    else this.#waiting.push({ index, done });
  }

  #snapshot(): void {
    this.#sinceSnapshot = 0;
    const index = this.applied;
    const meta = { index, term: this.core.termAt(index) as number, membership: this.core.membershipAt(index) };
    const state = { meta, values: new Map(this.values) };
    this.#operation(() => {
      if (this.disk.snapshot.value.meta.index >= index) return;
      this.disk.snapshot.write(state);
      this.disk.snapshot.synced();
      this.submit({ type: "compact", index: Math.max(0, index - this.#world.retainEntries) }, () =>
        this.#dropRecords(),
      );
    });
  }

  /** As the driver's storage: the hard state anew, then every record before the one that holds the entry after the base. */
  #dropRecords(): void {
    const { log } = this.disk;
    const next = this.core.base.index + 1;
    let keep: number | undefined;
    for (let at = log.lastIndex; at >= log.firstIndex && keep === undefined; at--) {
      const first = log.at(at)?.entries?.[0]?.index;
      if (first !== undefined && first <= next) keep = at;
    }
    if (keep === undefined) return;
    log.append([{ hardState: this.core.state.persisted }]);
    const kept = keep;
    this.#sync(() => log.dropBefore(Math.max(kept, log.firstIndex)));
  }

  /** A stream: it takes its time, and breaks when the network does. */
  #sendSnapshot(to: string): void {
    const state = this.disk.snapshot.value;
    const { term } = this.core;
    const { scheduler, network, random } = this.#world;
    let isOver = false;
    const finish = (isTaken: boolean) => {
      if (isOver) return;
      isOver = true;
      this.#awake(() => this.submit({ type: "snapshot-sent", to, index: state.meta.index, isTaken }));
    };
    scheduler.after(2000, () => finish(false));
    scheduler.after(random.between(5, 300), () =>
      network.send(this.id, to, () =>
        this.#world.node(to)?.offered(this.id, term, state, () => network.send(to, this.id, () => finish(true))),
      ),
    );
  }

  offered(from: string, term: number, state: State, done: () => void): void {
    this.#awake(() => {
      if (this.#incoming) return;
      this.#incoming = state;
      this.#operation(() =>
        this.submit({ type: "snapshot", from, term, meta: state.meta }, () => {
          this.#incoming = undefined;
          done();
        }),
      );
    });
  }

  #pump(): void {
    const { leader } = this.core;
    if (this.#isDead || leader === undefined || !this.#proposals.hasWaiting) return;
    const proposals = this.#proposals.take(1000);
    const { term } = this.core;
    this.#proposals.sent(proposals, term);
    const refused = () => this.#proposals.putBack(proposals, term);
    if (this.core.isLeading) this.take(proposals, term, refused);
    else this.#ask<boolean>(leader, (node, reply) => node.take(proposals, term, () => reply(false)), refused);
  }

  take(proposals: readonly Proposal[], term: number, refused: () => void): void {
    const commands = proposals.map(({ bytes }) => bytes);
    this.submit({ type: "propose", commands, term }, (batch) => batch.refused && refused());
  }

  /** A request over a connection: it arrives once or not at all, and so does its answer. */
  #ask<R>(to: string, request: (node: SimNode, reply: (value: R) => void) => void, answer: (value: R) => void): void {
    const { network } = this.#world;
    network.send(
      this.id,
      to,
      once(() => {
        const node = this.#world.node(to);
        if (!node) return;
        node.#awake(() =>
          request(node, (value) =>
            network.send(
              to,
              this.id,
              once(() => this.#awake(() => answer(value))),
            ),
          ),
        );
      }),
    );
  }

  #answerRead(id: number, index: number | undefined): void {
    this.#reads.get(id)?.(index);
    this.#reads.delete(id);
  }

  #awake(task: () => void): void {
    if (this.#isDead) return;
    if (this.#isAsleep) this.#backlog.push(task);
    else task();
  }

  #every(ms: number, task: () => void): void {
    this.clock.after(ms, () => {
      if (this.#isDead) return;
      // A paused process has missed its ticks, all but one.
      if (!this.#isAsleep) task();
      this.#every(ms, task);
    });
  }
}

function once(task: () => void): () => void {
  let isDone = false;
  return () => {
    if (!isDone) task();
    isDone = true;
  };
}

function recover(disk: MemberDisk, snapshot: SnapshotMeta) {
  const replay = new Replay();
  for (const record of disk.log.slice(disk.log.firstIndex, disk.log.lastIndex)) replay.take(record);
  const { isCut, ...restored } = replay.result(snapshot);
  if (isCut) {
    disk.log.append([{ base: restored.base }, { hardState: restored.hardState }]);
    disk.log.synced(disk.log.lastIndex);
  }
  return restored;
}
