/** One simulated node: the real core, driven on simulated disks, network, clock and Lease. It performs batches as the driver does. */
import {
  CellDisk,
  LogDisk,
  type Network,
  NodeClock,
  type Random,
  type RegisterWrite,
  type Scheduler,
  type VersionedObject,
  type WriteOutcome,
} from "@coracle/sim";
import { Core } from "../../src/core/core.ts";
import type { Message } from "../../src/core/messages.ts";
import { formatRecord } from "../../src/core/record.ts";
import type { Batch, CoreConfig, Input, Instant, Meta, Restored } from "../../src/core/types.ts";
import { durableIn } from "../../src/driver/appender.ts";
import { emptyMeta } from "../../src/driver/meta-file.ts";
import type { Position } from "../../src/index.ts";
import { Elector, type LeaseValue } from "./elector.ts";
import { brokenBy } from "./invariants.ts";

export interface Rec {
  readonly epoch: number;
  readonly command: RegisterWrite | undefined;
  readonly isBase: boolean;
}

interface State {
  readonly at: Position;
  readonly values: ReadonlyMap<string, string>;
}

export const EMPTY_STATE: State = { at: { epoch: 0, index: 0 }, values: new Map() };

/** What survives a crash. */
export class NodeDisk {
  readonly log = new LogDisk<Rec>();
  readonly meta: CellDisk<Meta>;
  state: State = EMPTY_STATE;

  constructor(freshDataId: string) {
    this.meta = new CellDisk(emptyMeta(freshDataId));
  }
}

export interface Envelope {
  readonly message: Message;
  readonly records: readonly Rec[];
}

export interface World {
  readonly scheduler: Scheduler;
  readonly network: Network;
  readonly lease: VersionedObject<LeaseValue>;
  readonly random: Random;
  readonly ids: readonly string[];
  /** How many applied entries a compaction leaves, at most: many mean long catching up by log, few mean snapshots. */
  readonly retainEntries: number;
  node(id: string): SimNode | undefined;
  onApplied(node: SimNode, at: Position, command: RegisterWrite | undefined): void;
  onAcknowledged(node: SimNode, at: Position): void;
  onBroken(node: SimNode, what: string): void;
}

type Answer = (outcome: WriteOutcome) => void;

export class SimNode {
  readonly id: string;
  readonly core: Core;
  readonly clock: NodeClock;
  readonly disk: NodeDisk;
  /** Why it did not take the Lease the last time that it could. */
  abstains: string | undefined;
  /** Raised while its disk is slow. */
  diskDelay = 1;
  readonly #world: World;
  readonly #config: CoreConfig;
  readonly #elector: Elector;
  #values: Map<string, string>;
  #applied: Position;
  #queue: {
    readonly input: Input;
    readonly records: readonly Rec[];
    readonly done?: ((batch: Batch) => void) | undefined;
  }[] = [];
  #isBusy = false;
  #cuts = 0;
  #isInstalling = false;
  #isDead = false;
  #isAsleep = false;
  #backlog: (() => void)[] = [];
  readonly #waiting = new Map<number, { readonly epoch: number; readonly answer: Answer }>();

  constructor(world: World, id: string, config: CoreConfig, disk: NodeDisk) {
    this.#world = world;
    this.id = id;
    this.#config = config;
    this.disk = disk;
    this.clock = new NodeClock(world.scheduler, world.random, 0.1);
    this.#values = new Map(disk.state.values);
    this.#applied = disk.state.at;
    this.core = new Core(config, recover(disk), this.clock.now());
    this.#elector = new Elector(id, world.lease, this.clock, world.random, {
      candidacy: (record, now) => {
        const answer = this.core.candidacy(record, now);
        this.abstains = "abstain" in answer ? answer.abstain : undefined;
        return answer;
      },
      changed: () =>
        this.submit({ type: "arbiter", observed: this.#elector?.observed, termEpoch: this.#elector?.termEpoch }),
      awake: (task) => this.#awake(task),
    });
    this.submit({ type: "peers", ids: world.ids });
    this.#every(50, () => {
      this.#elector.tick();
      this.submit({ type: "tick" });
    });
    this.#every(900, () => this.#compact());
  }

  get applied(): Position {
    return this.#applied;
  }

  /** Nothing of this incarnation happens any more; the disk keeps what it would. */
  crash(): void {
    this.#isDead = true;
    for (const { answer } of this.#waiting.values()) answer("unknown");
    this.#waiting.clear();
    this.disk.log.crash(this.#world.random);
    this.disk.meta.crash(this.#world.random);
  }

  /** As SIGSTOP: everything that happens to it waits. */
  sleep(): void {
    this.#isAsleep = true;
  }

  wake(): void {
    this.#isAsleep = false;
    for (const task of this.#backlog.splice(0)) this.#awake(task);
  }

  receive(from: string, { message, records }: Envelope): void {
    this.#awake(() => this.submit({ type: "message", from, message }, records));
  }

  propose(command: RegisterWrite, answer: Answer): void {
    this.#awake(() => {
      if (!this.core.isLeading || this.core.isPaused || this.core.blocked !== undefined) return answer("refused");
      this.submit({ type: "propose", count: 1 }, [{ epoch: 0, command, isBase: false }], (batch) => {
        if (!batch.append) return answer("refused");
        this.#waiting.set(this.core.last, { epoch: batch.append.epoch, answer });
      });
    });
  }

  /** Calls back with the value, or not at all when it can't be read here now. */
  read(key: string, answer: (value: string | undefined) => void): void {
    this.#awake(() => {
      if (this.core.canRead(this.#instant(), this.#applied.index)) answer(this.#values.get(key));
    });
  }

  handOver(to: string): void {
    this.#awake(() => this.submit({ type: "handover", to }));
  }

  /** Lets the Lease go for a reason of its own, as a node without room does. */
  letGo(): void {
    this.#awake(() => {
      this.core.letGo();
      this.#elector.stepDown(undefined);
    });
  }

  submit(input: Input, records: readonly Rec[] = [], done?: (batch: Batch) => void): void {
    this.#queue.push({ input, records, done });
    if (!this.#isBusy) this.#drain();
  }

  #drain(): void {
    this.#isBusy = true;
    for (let next = this.#queue.shift(); next; next = this.#queue.shift()) {
      const { input, records, done } = next;
      const batch = this.core.step(input, this.#instant());
      for (const what of brokenBy(batch, this.disk, (id) => this.#world.node(id)?.core))
        this.#world.onBroken(this, what);
      if (batch.meta) this.disk.meta.write(batch.meta);
      if (batch.meta || batch.truncateAfter !== undefined) {
        this.#afterSync(() => {
          if (batch.meta) this.disk.meta.synced();
          if (batch.truncateAfter !== undefined) this.#cut(batch.truncateAfter);
          this.#perform(batch, records);
          done?.(batch);
          this.#drain();
        });
        return;
      }
      done?.(batch);
      this.#perform(batch, records);
    }
    this.#isBusy = false;
  }

  #cut(after: number): void {
    this.#cuts++;
    const { log } = this.disk;
    // What was on its way to the disk has come there before: a log does one after the other.
    log.synced(after);
    log.truncateAfter(after);
  }

  #perform(batch: Batch, records: readonly Rec[]): void {
    if (batch.append) this.#append(batch.append, records);
    for (const { to, message } of batch.sends) this.#send(to, { message, records: [] });
    for (const feed of batch.feeds) this.#feed(feed);
    if (batch.applyTo !== undefined) this.#apply(batch.applyTo);
    if (batch.record) this.#record(batch.record);
    for (const { to, session, epoch } of batch.snapshots) this.#snapshot(to, session, epoch);
    if (batch.stepDown) this.#elector.stepDown(batch.stepDown.to);
    if (batch.lost !== undefined) this.#lose();
  }

  #append({ epoch, opens, skip }: NonNullable<Batch["append"]>, records: readonly Rec[]): void {
    const opening: Rec[] = [{ epoch, command: undefined, isBase: false }];
    const fresh = opens ? opening : records.slice(skip).map((rec) => (rec.epoch === 0 ? { ...rec, epoch } : rec));
    const { log } = this.disk;
    log.append(fresh);
    const through = log.lastIndex;
    const cuts = this.#cuts;
    this.#afterSync(() => {
      // Of what was cut meanwhile, and may be written anew, this says nothing.
      if (cuts === this.#cuts) log.synced(through);
      this.submit(durableIn(log));
    });
  }

  #feed(feed: Batch["feeds"][number]): void {
    const { after: prev, epoch, commit, echo, to, session } = feed;
    const through = Math.min(feed.through, prev.index + 8);
    const isHeld = prev.index + 1 > this.core.base.index;
    const records = isHeld ? this.disk.log.slice(prev.index + 1, through) : [];
    const entries = this.core.counts(prev.index, through);
    if (isHeld) this.#send(to, { message: { type: "append", epoch, prev, entries, commit, echo }, records });
    this.submit({ type: "fed", to, session, through, sizeBytes: records.length, isSent: isHeld });
  }

  #apply(to: number): void {
    for (let index = this.#applied.index + 1; index <= to; index++) {
      const rec = this.disk.log.at(index);
      if (!rec || rec.isBase) throw new RangeError(`${this.id} lacks entry ${index} that it should apply`);
      this.#applied = { epoch: rec.epoch, index };
      if (rec.command) this.#values.set(rec.command.key, rec.command.value);
      this.#world.onApplied(this, this.#applied, rec.command);
      this.#answer(index, rec.epoch);
    }
  }

  #answer(index: number, epoch: number): void {
    const waiting = this.#waiting.get(index);
    if (!waiting) return;
    this.#waiting.delete(index);
    if (waiting.epoch === epoch) this.#world.onAcknowledged(this, { epoch, index });
    waiting.answer(waiting.epoch === epoch ? "ok" : "unknown");
  }

  #lose(): void {
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { answer } of waiting) answer("unknown");
  }

  #record(set: NonNullable<Batch["record"]>): void {
    const text = formatRecord(this.disk.meta.value.dataId ?? "", this.#config.mode, set);
    this.#elector.annotate({ [this.#config.annotation]: text }, (isWritten) =>
      this.submit({ type: "recorded", version: set.version, isWritten }),
    );
  }

  #snapshot(to: string, session: number, epoch: number): void {
    const state: State = { at: this.#applied, values: new Map(this.#values) };
    let isOver = false;
    const finish = (isTaken: boolean) => {
      if (isOver) return;
      isOver = true;
      this.#awake(() => this.submit({ type: "snapshot-sent", to, session, isTaken }));
    };
    this.clock.after(1500, () => finish(false));
    this.#world.network.send(this.id, to, () => {
      this.#world
        .node(to)
        ?.takeSnapshot(this.id, epoch, state, (isTaken) =>
          this.#world.network.send(to, this.id, () => finish(isTaken)),
        );
    });
  }

  /** Crash points: after the mark, after the state, after the log. */
  takeSnapshot(from: string, epoch: number, state: State, done: (isTaken: boolean) => void): void {
    this.#awake(() =>
      this.submit({ type: "snapshot-offered", from, epoch }, [], (batch) => {
        if (!batch.install) return done(false);
        this.#isInstalling = true;
        this.disk.state = EMPTY_STATE;
        this.#afterSync(() => {
          this.disk.state = state;
          this.#afterSync(() => {
            this.#install(state);
            this.#afterSync(() => {
              this.#isInstalling = false;
              this.submit({ type: "installed", at: state.at });
              done(true);
            });
          });
        });
      }),
    );
  }

  #install({ at, values }: State): void {
    const { log } = this.disk;
    log.reset(Math.max(1, at.index));
    if (at.index > 0) log.append([{ epoch: at.epoch, command: undefined, isBase: true }]);
    log.synced(log.lastIndex);
    this.#values = new Map(values);
    this.#applied = at;
  }

  #compact(): void {
    if (this.#isBusy || this.#isInstalling) return;
    this.disk.state = { at: this.#applied, values: new Map(this.#values) };
    const { log } = this.disk;
    const before = this.#applied.index - this.#world.random.int(this.#world.retainEntries);
    if (before <= log.firstIndex || before <= this.core.base.index) return;
    log.dropBefore(before);
    const epoch = this.core.epochAt(before);
    if (epoch !== undefined) this.submit({ type: "compacted", base: { epoch, index: before } });
  }

  #send(to: string, envelope: Envelope): void {
    const isOpening = envelope.message.type === "probe";
    this.#world.network.send(this.id, to, () => this.#world.node(to)?.receive(this.id, envelope), isOpening);
  }

  #afterSync(task: () => void): void {
    const { random } = this.#world;
    const ms = random.chance(0.01) ? random.between(50, 800) : random.between(0.1, 8) * this.diskDelay;
    this.clock.after(ms, () => this.#awake(task));
  }

  #every(ms: number, task: () => void): void {
    this.clock.after(ms * this.#world.random.between(0.8, 1.2), () => {
      if (this.#isDead) return;
      this.#awake(task);
      this.#every(ms, task);
    });
  }

  #awake(task: () => void): void {
    if (this.#isDead) return;
    if (!this.#isAsleep) task();
    else if (this.#backlog.length < 2000) this.#backlog.push(task);
  }

  #instant(): Instant {
    return { now: this.clock.now(), termLeftMs: this.#elector?.termLeftMs() ?? 0 };
  }
}

/** As `driver/storage.ts` does it. */
function recover(disk: NodeDisk): Restored {
  const { log } = disk;
  const meta = disk.meta.value;
  let base: Position = { epoch: 0, index: 0 };
  const runs: { epoch: number; first: number }[] = [];
  for (let index = log.firstIndex; index <= log.lastIndex; index++) {
    const rec = log.at(index) as Rec;
    if (index === log.firstIndex && (index > 1 || rec.isBase)) base = { epoch: rec.epoch, index };
    else if ((runs.at(-1)?.epoch ?? base.epoch) !== rec.epoch) runs.push({ epoch: rec.epoch, first: index });
  }
  const last = log.lastIndex;
  const { at } = disk.state;
  const epochAt = at.index > last ? undefined : (runs.findLast((run) => run.first <= at.index)?.epoch ?? base.epoch);
  if (at.index >= base.index && epochAt === at.epoch && !(meta.isComplete && last === 0)) {
    return { meta, base, runs, last, applied: at.index };
  }
  log.reset(Math.max(1, at.index));
  if (at.index > 0) log.append([{ epoch: at.epoch, command: undefined, isBase: true }]);
  log.synced(log.lastIndex);
  const incomplete = { ...meta, isComplete: false };
  disk.meta.write(incomplete);
  disk.meta.synced();
  return { meta: incomplete, base: at, runs: [], last: at.index, applied: at.index };
}
