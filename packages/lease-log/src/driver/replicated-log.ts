/** The driver: connects the core to disk, network, Lease and state machine. */
import type { WireEndpoint } from "@coracle/wire";
import type { Core } from "../core/core.ts";
import type { Batch, Input, Instant, Meta } from "../core/types.ts";
import { LeaseLogError } from "../errors.ts";
import type { OpenReplicatedLog } from "../open.ts";
import type { Arbiter, ArbiterRecord, Candidacy, LogStatus, ProposeOptions } from "../types.ts";
import { Appender } from "./appender.ts";
import { Compaction } from "./compaction.ts";
import { depart, successors } from "./departure.ts";
import { Feeder } from "./feeder.ts";
import { Handover } from "./handover.ts";
import { isRare, Machine, type Payload } from "./machine.ts";
import { Proposals } from "./proposals.ts";
import { writeRecord } from "./record-writer.ts";
import { type RoleState, Roles } from "./roles.ts";
import { isNoSpace, type Room } from "./room.ts";
import type { Settings } from "./settings.ts";
import { SnapshotExchange } from "./snapshots.ts";
import type { Storage } from "./storage.ts";
import { createTransport, sendMessage } from "./transport.ts";

export class LogDriver implements OpenReplicatedLog {
  readonly #settings: Settings;
  readonly #storage: Storage;
  readonly #room: Room;
  readonly #core: Core;
  readonly #machine: Machine;
  readonly #endpoint: WireEndpoint;
  readonly #proposals: Proposals;
  readonly #feeder: Feeder;
  readonly #compaction: Compaction;
  readonly #snapshots: SnapshotExchange;
  readonly #appender: Appender;
  readonly #roles = new Roles();
  readonly #stops: (() => void)[] = [];
  #meta: Meta;
  #termEpoch: number | undefined;
  #failure: LeaseLogError | undefined;
  #barriers: { readonly resolve: () => void; readonly reject: (error: LeaseLogError) => void }[] = [];
  #handover: Handover | undefined;
  #isFlushScheduled = false;
  #started: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;

  constructor(settings: Settings, storage: Storage, room: Room, core: Core, meta: Meta) {
    this.#settings = settings;
    this.#storage = storage;
    this.#room = room;
    this.#core = core;
    this.#meta = meta;
    this.#proposals = new Proposals(settings.limits);
    const submit = (input: Input, payload?: Payload) => this.#machine.submit(input, payload);
    this.#compaction = new Compaction(core, storage, settings.stateMachine, settings.limits.retainBytes);
    this.#snapshots = new SnapshotExchange(settings, storage, {
      pin: () => this.#compaction.pin(),
      isWanted: (from, epoch) =>
        new Promise((resolve) =>
          submit({ type: "snapshot-offered", from, epoch }, { done: (batch) => resolve(batch.install) }),
        ),
      hold: (install) => this.#compaction.hold(install),
      installed: (at) => submit({ type: "installed", at }),
    });
    this.#endpoint = createTransport(settings, submit, (...stream) => this.#snapshots.take(...stream));
    this.#appender = new Appender(core, storage, this.#proposals, {
      durable: submit,
      fail: (error) => this.#fail(error),
    });
    this.#feeder = new Feeder(core, storage, this.#endpoint, settings, submit);
    this.#machine = new Machine(core, {
      instant: () => this.#instant(),
      persist: (batch) => this.#persist(batch),
      perform: (input, batch, payload) => this.#perform(input, batch, payload),
      fail: (error) => this.#fail(error),
    });
  }

  get port(): number {
    return this.#endpoint.port;
  }

  start(): Promise<void> {
    this.#started ??= this.#start();
    return this.#started;
  }

  async #start(): Promise<void> {
    const { arbiter, peers, clock, timing } = this.#settings;
    await this.#endpoint.start();
    const connect = () => {
      this.#endpoint.setPeers(peers.peers());
      this.#machine.submit({ type: "peers", ids: peers.peers().map((peer) => peer.id) });
    };
    connect();
    this.#stops.push(
      peers.subscribe(connect),
      arbiter.subscribe(({ observed, term }) => this.#onArbiter(observed, term?.epoch)),
      clock.every(timing.tickMs, () => this.#onTick()),
      clock.every(timing.compactMs, () => this.#compact()),
    );
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  abandon(): Promise<void> {
    this.#stopped ??= this.#close();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    if (this.#started && !this.#failure) await this.#leave();
    await this.#close();
    if (this.#failure?.code === "closed") await this.#compaction.hold(() => this.#settings.stateMachine.flush());
  }

  async #close(): Promise<void> {
    for (const stop of this.#stops.splice(0)) stop();
    this.#room.stop();
    this.#feeder.stop();
    await this.#machine.halt();
    this.#lose("the log was stopped");
    await this.#snapshots.stop(() => this.#endpoint.stop());
    await this.#storage.close();
    this.#failure ??= new LeaseLogError("closed", "the log was stopped");
  }

  async #leave(): Promise<void> {
    const { clock, logger, timing } = this.#settings;
    const node = {
      status: () => this.status(),
      isLeading: () => this.#core.isLeading,
      isReleased: () => this.#core.isReleased,
      isConnected: (peer: string) => this.#endpoint.isConnected(peer),
      handOver: (to: string, withinMs: number) => this.#handOver(to, withinMs),
      announce: () => this.#machine.submit({ type: "leave" }),
      stepDown: () => this.#letGo("stopping"),
    };
    const problem = await depart(node, clock, timing.tickMs);
    if (problem !== undefined) logger.warn({ error: problem }, "stops without a hand-over");
  }

  async propose(command: Uint8Array, { isGathered = false }: ProposeOptions = {}): Promise<unknown> {
    const results = this.proposeAll([command]);
    if (isGathered) this.#flush();
    return (await results)[0];
  }

  proposeAll(commands: readonly Uint8Array[]): Promise<readonly unknown[]> {
    const refusal = this.refusal();
    if (refusal) return Promise.reject(refusal);
    try {
      const results = this.#proposals.stage(commands, this.#settings.clock.now());
      this.#scheduleFlush();
      return results;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  refusal(): LeaseLogError | undefined {
    if (this.#failure) return this.#failure;
    if (!this.#core.isLeading) return this.#notPrimary();
    const { blocked } = this.#core;
    if (this.#room.refusal) return this.#room.refusal;
    return blocked === undefined ? undefined : new LeaseLogError("blocked", `writes are blocked: ${blocked}`);
  }

  #notPrimary(): LeaseLogError {
    const { primary } = this.#core.status(this.#settings.clock.now());
    return new LeaseLogError("not-primary", primary ? `${primary} is the primary` : "there is no primary now", {
      primary,
    });
  }

  /** One batch per turn of the event loop: everything that its connections brought together. */
  #scheduleFlush(): void {
    if (this.#isFlushScheduled || this.#core.isPaused) return;
    this.#isFlushScheduled = true;
    setImmediate(() => {
      this.#isFlushScheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#core.isPaused) return;
    const proposals = this.#proposals.takeStaged();
    const count = proposals.reduce((sum, { commands }) => sum + commands.length, 0);
    if (count > 0) this.#machine.submit({ type: "propose", count }, { proposals });
  }

  readBarrier(): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure);
    if (this.canRead()) return READY;
    if (!this.#core.hasAuthority(this.#instant())) return Promise.reject(this.#notPrimary());
    return new Promise((resolve, reject) => this.#barriers.push({ resolve, reject }));
  }

  canRead(): boolean {
    if (this.#failure) return false;
    return this.#core.canRead(this.#instant(), this.#settings.stateMachine.applied().index);
  }

  candidacy(record: ArbiterRecord | undefined): Candidacy {
    if (this.#failure) return { abstain: this.#failure.message };
    // From its first moment: the Lease that is let go for a successor slow to come must not be taken again by a node that leaves.
    if (this.#stopped) return { abstain: "this node is stopping" };
    return this.#core.candidacy(record, this.#settings.clock.now());
  }

  async switchover(to: string): Promise<void> {
    if (this.#failure) throw this.#failure;
    await this.#handOver(to, this.#settings.timing.switchoverMs * 3);
  }

  async #handOver(to: string, withinMs: number): Promise<void> {
    this.#flush();
    const handover = new Handover(to, this.#roles, this.#settings.clock, withinMs);
    this.#machine.submit({ type: "handover", to }, { done: (batch) => this.#began(handover, batch) });
    await handover.result;
  }

  #began(handover: Handover, { handoverFailed }: Batch): void {
    if (handoverFailed !== undefined) handover.giveUp(handoverFailed);
    else this.#handover = handover;
  }

  status(): LogStatus {
    const status = this.#core.status(this.#settings.clock.now());
    const replicas = status.replicas.map((replica) => ({
      ...replica,
      lagBytes: replica.lagEntries === 0 ? 0 : this.#storage.bytesAfter(replica.durableIndex),
    }));
    return { ...status, replicas, blocked: this.#failure?.message ?? this.#room.problem ?? status.blocked };
  }

  subscribe(listener: (state: RoleState) => void): () => void {
    return this.#roles.subscribe(listener);
  }

  #instant(): Instant {
    const { arbiter, clock } = this.#settings;
    const { term } = arbiter;
    // Of a newer term the core does not know yet: between the two, another may have led.
    const termLeftMs = term && term.epoch === this.#termEpoch && term.isValid() ? term.remainingMs() : 0;
    return { now: clock.now(), termLeftMs };
  }

  #onArbiter(observed: Arbiter["observed"], termEpoch: number | undefined): void {
    this.#termEpoch = termEpoch;
    this.#machine.submit({ type: "arbiter", observed, termEpoch });
  }

  #onTick(): void {
    this.#machine.submit({ type: "tick" });
    this.#storage.cache.trim(this.#settings.stateMachine.applied().index);
    if (this.#compaction.isDue) this.#compact();
    const isFull = this.#room.review(this.#settings.isFull());
    if (isFull !== undefined) this.#machine.submit({ type: "room", isFull });
    if (this.#room.fullForMs > this.#settings.timing.slowReplicaMs) this.#yieldToRoom();
  }

  /** Writes wait here, or are refused, for lack of room: whoever has everything, and room, should lead. */
  #yieldToRoom(): void {
    const to = successors(this.status()).find(({ lagEntries, isFull }) => lagEntries === 0 && !isFull);
    if (!this.#core.isLeading || !to) return;
    void this.#letGo("the disk is full", to.id);
  }

  /** Never rejects. */
  async #letGo(reason: string, to?: string): Promise<void> {
    const { arbiter, logger } = this.#settings;
    this.#core.letGo();
    await arbiter
      .stepDown(reason, to)
      .catch((error: unknown) => logger.warn({ error: String(error) }, "the Lease was not let go"));
  }

  #persist({ meta, truncateAfter }: Batch): Promise<void> | undefined {
    if (!meta && truncateAfter === undefined) return undefined;
    return this.#persistNow(meta, truncateAfter);
  }

  async #persistNow(meta: Meta | undefined, truncateAfter: number | undefined): Promise<void> {
    if (meta) {
      await this.#room.wait(() => this.#storage.writeMeta(meta));
      if (meta.inSync !== this.#meta.inSync) this.#settings.metrics.inSyncChanged?.(meta.inSync?.members ?? []);
      this.#meta = meta;
    }
    if (truncateAfter === undefined) return;
    this.#settings.logger.info({ after: truncateAfter }, "truncates entries that the primary does not have");
    await this.#storage.truncateAfter(truncateAfter);
  }

  #perform(input: Input, batch: Batch, payload: Payload): void {
    if (batch.append) this.#appender.append(batch.append, payload);
    else if (payload.proposals) this.#refuseAll(payload);
    for (const { to, message } of batch.sends) sendMessage(this.#endpoint, to, message);
    this.#feeder.feed(batch.feeds);
    if (batch.applyTo !== undefined) this.#apply(batch.applyTo);
    if (batch.lost !== undefined) this.#lose(batch.lost);
    if (isRare(input, batch)) this.#performRare(input, batch);
  }

  #performRare(input: Input, batch: Batch): void {
    const { logger } = this.#settings;
    if (batch.record) writeRecord(this.#settings, this.#meta.dataId ?? "", batch.record, this.#machine);
    for (const { to, session, epoch } of batch.snapshots) void this.#sendSnapshot(to, session, epoch);
    if (batch.stepDown) void this.#letGo(batch.stepDown.reason, batch.stepDown.to);
    if (batch.handoverFailed !== undefined) {
      if (input.type !== "handover") this.#handover?.giveUp(batch.handoverFailed);
      if (this.#proposals.hasStaged) this.#scheduleFlush();
    }
    for (const warning of batch.warnings) logger.warn({}, warning);
    this.#announce(input);
  }

  #refuseAll({ proposals = [] }: Payload): void {
    const error = this.#notPrimary();
    for (const proposal of proposals) this.#proposals.refuse(proposal, error);
  }

  #apply(to: number): void {
    const { stateMachine, metrics, clock } = this.#settings;
    const from = stateMachine.applied().index + 1;
    const results = stateMachine.apply(this.#storage.cache.entries(from, to));
    const { count, oldestAt } = this.#proposals.answer(from, results);
    if (count > 0) metrics.committed?.(count, clock.now() - oldestAt);
    if (this.#barriers.length > 0 && this.canRead()) {
      for (const barrier of this.#barriers.splice(0)) barrier.resolve();
    }
  }

  async #sendSnapshot(to: string, session: number, epoch: number): Promise<void> {
    const isTaken = await this.#snapshots.send(this.#endpoint, to, epoch);
    this.#machine.submit({ type: "snapshot-sent", to, session, isTaken });
  }

  #compact(): void {
    this.#compaction.run().then(
      (first) => {
        const epoch = first === undefined ? undefined : this.#core.epochAt(first);
        if (first !== undefined && epoch !== undefined)
          this.#machine.submit({ type: "compacted", base: { epoch, index: first } });
      },
      (error: unknown) => {
        // What can't be flushed for lack of room is in the log, which is not shortened then.
        if (isNoSpace(error)) this.#settings.logger.warn({ error: String(error) }, "the state was not flushed");
        else this.#fail(new LeaseLogError("failed", `the state can't be flushed: ${String(error)}`, { cause: error }));
      },
    );
  }

  #announce(input: Input): void {
    const status = this.#core.status(this.#settings.clock.now());
    const { isLeading } = this.#core;
    const change = this.#roles.update({ role: status.role, primary: status.primary, epoch: status.epoch });
    if (change === "gained") this.#settings.metrics.becamePrimary?.(status.epoch);
    if (change === "gained")
      this.#settings.logger.info({ epoch: status.epoch, inSync: status.inSync }, "replication: is the primary");
    if (!isLeading && input.type === "arbiter" && this.#proposals.hasStaged) this.#lose("not the primary");
  }

  #lose(reason: string): void {
    const { primary } = this.#core.status(this.#settings.clock.now());
    const other = primary === this.#settings.id ? undefined : primary;
    this.#proposals.lose(reason, other);
    for (const barrier of this.#barriers.splice(0))
      barrier.reject(new LeaseLogError("not-primary", reason, { primary: other }));
    if (this.#roles.role !== "primary") return;
    this.#settings.metrics.lostPrimary?.(this.#roles.epoch, reason);
    this.#settings.logger.warn({ reason, epoch: this.#roles.epoch }, "is no longer the primary");
  }

  /** Nothing is acknowledged after a failed write: the Lease goes to a node whose disk works. */
  #fail(error: LeaseLogError): void {
    if (this.#failure || this.#stopped) return;
    this.#failure = error;
    const { logger } = this.#settings;
    logger.error(
      { error: error.message, cause: String(error.cause ?? "") },
      "the log has failed and takes no further part",
    );
    void this.#machine.halt();
    this.#lose(error.message);
    this.#roles.update({ role: "replica", primary: undefined, epoch: this.#roles.epoch });
    void this.#letGo(error.message);
  }
}

const READY = Promise.resolve();
