/** The member: core, disk, network and state machine put together. Each does its part in a file of its own; here is who calls whom. */
import type { Duplex } from "node:stream";
import { createEndpoint, type WireEndpoint } from "@coracle/wire";
import type { Core } from "../core/core.ts";
import type { Batch, Input, LogEntry, SnapshotMeta } from "../core/types.ts";
import { RaftError } from "../errors.ts";
import type { Settings } from "../options.ts";
import type { Member, MemberChange, Raft, RaftStatus } from "../types.ts";
import { Applier } from "./applier.ts";
import { Calls } from "./calls.ts";
import { decodeMessage, encodeMessage } from "./codec.ts";
import { Forwarder } from "./forwarder.ts";
import { Machine } from "./machine.ts";
import { Peers } from "./peers.ts";
import { Proposals } from "./proposals.ts";
import { ReadBarriers, unlessAborted } from "./reads.ts";
import { fromRemote } from "./remote.ts";
import { answer, SYSTEM_PREFIX } from "./requests.ts";
import { SnapshotExchange } from "./snapshot-exchange.ts";
import type { SnapshotStore } from "./snapshot-store.ts";
import { Snapshotter } from "./snapshotter.ts";
import type { Storage } from "./storage.ts";

export interface OpenRaft extends Raft {
  /** Port on which members reach this one, where it listens itself; known once started. */
  readonly port: number;
  /** Closes without handing over or telling anyone: leaves what a crash would. */
  abandon(): Promise<void>;
}

export interface Parts {
  readonly settings: Settings;
  readonly core: Core;
  readonly storage: Storage;
  readonly snapshots: SnapshotStore;
}

export class RaftDriver implements OpenRaft {
  readonly #settings: Settings;
  readonly #core: Core;
  readonly #storage: Storage;
  readonly #snapshots: SnapshotStore;
  readonly #machine: Machine;
  readonly #endpoint: WireEndpoint;
  readonly #peers: Peers;
  readonly #applier: Applier;
  readonly #proposals: Proposals;
  readonly #forwarder: Forwarder;
  readonly #reads: ReadBarriers;
  readonly #calls: Calls;
  readonly #exchange: SnapshotExchange;
  readonly #snapshotter: Snapshotter;
  readonly #listeners = new Set<(status: RaftStatus) => void>();
  /** Received, checked, and waiting for the core's decision: where the file is. */
  #incoming: string | undefined;
  #ticker: NodeJS.Timeout | undefined;
  #expirer: NodeJS.Timeout | undefined;
  #isFull = false;
  #error: RaftError | undefined;
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;

  constructor({ settings, core, storage, snapshots }: Parts) {
    this.#settings = settings;
    this.#core = core;
    this.#storage = storage;
    this.#snapshots = snapshots;
    const { limits, timing, metrics, logger, random } = settings;
    const now = () => performance.now();
    this.#machine = new Machine(core, {
      persist: (batch) => this.#persist(batch),
      perform: (batch) => this.#perform(batch),
      fail: (error) => this.#fail(error),
    });
    this.#endpoint = this.#createEndpoint();
    this.#peers = new Peers(settings.id, this.#endpoint);
    this.#applier = new Applier(core, settings.stateMachine, settings.stateMachine.applied(), {
      applied: (entries, results) => this.#applied(entries, results),
      restored: (meta) => this.#proposals.skipped(meta.term),
      fail: (error) =>
        this.#fail(new RaftError("failed", `the state machine failed: ${String(error)}`, { cause: error })),
    });
    this.#proposals = new Proposals(limits, Math.floor(random() * 2 ** 48));
    this.#forwarder = new Forwarder(
      { core, machine: this.#machine, proposals: this.#proposals, endpoint: this.#endpoint },
      { maxBytes: limits.maxAppendBytes, timeoutMs: timing.requestMs },
    );
    this.#calls = new Calls(
      { core, machine: this.#machine, endpoint: this.#endpoint, applier: this.#applier },
      timing.requestMs,
    );
    this.#reads = new ReadBarriers(
      {
        now,
        readIndex: () => this.#calls.readIndex(),
        waitFor: (index) => this.#applier.waitFor(index),
        pause: () => this.#calls.nextLeader(timing.heartbeatMs),
      },
      timing.requestMs,
      limits.maxReads,
    );
    this.#exchange = new SnapshotExchange(
      snapshots,
      { now, term: () => core.term, received: (...it) => this.#received(...it) },
      metrics,
      logger,
    );
    this.#snapshotter = new Snapshotter(core, snapshots, settings, (index) => this.#compact(index));
  }

  get port(): number {
    return this.#endpoint.port;
  }

  start(): Promise<void> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  async #start(): Promise<void> {
    await this.#endpoint.start();
    this.#peers.set(this.#core.membership.members);
    const { tickMs } = this.#settings.timing;
    this.#ticker = setInterval(() => this.#tick(), tickMs);
    this.#expirer = setInterval(() => this.#expire(), 250);
    this.#ticker.unref();
    this.#expirer.unref();
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop(true);
    return this.#stopping;
  }

  abandon(): Promise<void> {
    this.#stopping ??= this.#stop(false);
    return this.#stopping;
  }

  async #stop(mayHandOver: boolean): Promise<void> {
    const { logger } = this.#settings;
    if (mayHandOver && this.#core.isLeading && this.#core.membership.members.length > 1)
      await this.transferLeadership().catch((error: unknown) =>
        logger.info({ error: String(error) }, "not handed over"),
      );
    clearInterval(this.#ticker);
    clearInterval(this.#expirer);
    this.#end(new RaftError("stopped", "this member was stopped"));
    this.#peers.stop();
    await this.#exchange.stop(() => this.#endpoint.stop());
    // The step under way may be waiting for room on a full disk, which ends with the log's end.
    const halted = this.#machine.halt();
    await this.#applier.stop();
    await this.#storage.close();
    await this.#snapshotter.stop();
    await halted;
  }

  async propose(command: Uint8Array, signal?: AbortSignal): Promise<unknown> {
    const refusal = this.refusal();
    if (refusal) throw refusal;
    let number = 0;
    const result = new Promise((resolve, reject) => {
      number = this.#proposals.add(command, performance.now(), { resolve, reject });
    });
    this.#forwarder.schedule();
    return unlessAborted(result, signal, () => this.#proposals.giveUp(number, "the caller gave up"));
  }

  readBarrier(signal?: AbortSignal): Promise<void> {
    return this.#reads.barrier(signal);
  }

  async changeMembers(change: MemberChange, signal?: AbortSignal): Promise<void> {
    const index = await this.#calls.change(change, signal);
    await this.#calls.unlessEnded(this.#applier.waitFor(index));
  }

  transferLeadership(to?: string, signal?: AbortSignal): Promise<void> {
    return this.#calls.transfer(to, signal);
  }

  accept(socket: Duplex, head: Uint8Array): void {
    this.#endpoint.accept(socket, head);
  }

  async request(id: string, method: string, payload: Uint8Array, signal?: AbortSignal): Promise<Uint8Array> {
    const options = { timeoutMs: this.#settings.timing.requestMs, ...(signal && { signal }) };
    try {
      return await this.#endpoint.request(id, SYSTEM_PREFIX + method, payload, options);
    } catch (error) {
      throw fromRemote(error, "no-leader");
    }
  }

  refusal(): RaftError | undefined {
    if (this.#error) return this.#error;
    if (this.#core.role === "removed") return new RaftError("removed", "this member was removed from the group");
    if (this.#isFull)
      return new RaftError("disk-full", `nothing was written: the disk that holds ${this.#settings.dir} is full`);
    return undefined;
  }

  status(): RaftStatus {
    const core = this.#core;
    const { id, clusterId } = this.#settings;
    return {
      id,
      clusterId,
      role: core.role,
      term: core.term,
      leader: core.leader,
      firstIndex: core.base.index + 1,
      lastIndex: core.last,
      commitIndex: core.commit,
      appliedIndex: this.#applier.applied,
      members: core.membership.members,
      committed: core.committedMembership,
      progress: core.progress(),
      logBytes: core.logBytes,
      snapshotIndex: this.#snapshots.newest?.meta.index ?? 0,
    };
  }

  subscribe(listener: (status: RaftStatus) => void): () => void {
    this.#listeners.add(listener);
    listener(this.status());
    return () => this.#listeners.delete(listener);
  }

  /** The disk is full, or has room again. A leader without room hands over to one that has some. */
  onFull(isFull: boolean): void {
    this.#isFull = isFull;
    const { logger, dir } = this.#settings;
    if (isFull) logger.error({ dir }, "the disk is full: writes wait, reads go on");
    else logger.info({ dir }, "the disk has room again: writes go on");
    if (isFull && this.#core.isLeading) this.transferLeadership().catch(() => {});
  }

  #createEndpoint(): WireEndpoint {
    const { id, clusterId, listen, connect, tls, random, limits, wire, logger } = this.#settings;
    return createEndpoint({
      protocol: "raft/1",
      cluster: clusterId,
      id,
      listen: listen !== undefined,
      ...listen,
      connect,
      tls,
      random,
      flush: "turn",
      limits: { maxFrameBytes: limits.maxCommandBytes + limits.maxAppendBytes + 65_536, ...wire },
      handlers: {
        message: (from, payload) => this.#submit({ type: "message", from, message: decodeMessage(payload) }),
        request: (from, method, payload, signal) => answer(this.#answers, from, method, payload, signal),
        stream: (from, header, chunks) => this.#exchange.take(from, header, chunks),
        up: (peer) => {
          this.#submit({ type: "peer-up", id: peer });
          this.#forwarder.schedule();
        },
        down: (peer, reason) => {
          logger.debug({ peer, reason: reason.message }, "no connection to a member");
          this.#submit({ type: "peer-down", id: peer });
        },
      },
    });
  }

  readonly #answers = {
    propose: (payload: Buffer) => this.#forwarder.take(payload),
    readIndex: () => this.#calls.readIndexHere(),
    change: (change: MemberChange) => this.#calls.changeHere(change),
    transfer: (to: string | undefined) => this.#calls.transferHere(to),
    snapshotOffer: (payload: Buffer) => this.#exchange.offered(payload),
    system: (from: string, method: string, payload: Buffer, signal: AbortSignal) =>
      this.#settings.onRequest(from, method, payload, signal),
  };

  #submit(input: Input, done?: (batch: Batch) => void): void {
    this.#machine.submit(input, done);
  }

  #tick(): void {
    this.#submit({ type: "tick" });
    if (this.#proposals.hasWaiting) this.#forwarder.schedule();
  }

  #expire(): void {
    this.#proposals.expire(performance.now() - this.#settings.timing.requestMs);
  }

  #persist({ hardState, install, append }: Batch): Promise<void> | undefined {
    if (hardState?.vote === this.#settings.id) this.#settings.metrics.campaigned?.(hardState.term);
    if (!hardState && !install) return undefined;
    return this.#install(install).then(() => this.#storage.append(hardState, install, append?.entries ?? []));
  }

  /** The file first, then the note in the log that it begins anew there: a crash in between is found at the next start. */
  async #install(meta: SnapshotMeta | undefined): Promise<void> {
    if (meta && this.#incoming !== undefined) await this.#snapshots.adopt(this.#incoming, meta);
  }

  #perform(batch: Batch): void {
    const { hardState, install, append, sends, applyTo, reads, lostReads, transferFailed } = batch;
    if (append) this.#append(append, hardState !== undefined || install !== undefined);
    for (const { to, message } of sends) this.#endpoint.send(to, encodeMessage(message));
    for (const to of batch.snapshots) void this.#sendSnapshot(to);
    if (install) this.#restore(install);
    if (applyTo !== undefined) this.#applier.advance(applyTo);
    if (reads.length > 0 || lostReads.length > 0) this.#calls.read(reads, lostReads);
    if (transferFailed !== undefined) this.#calls.transferFailed(transferFailed);
    if (batch.isChanged) this.#changed();
  }

  #append({ write, entries }: NonNullable<Batch["append"]>, isDurable: boolean): void {
    if (isDurable) {
      this.#submit({ type: "durable", write });
      return;
    }
    const startedAt = performance.now();
    this.#storage.append(undefined, undefined, entries).then(
      () => {
        this.#settings.metrics.appended?.(entries.length, performance.now() - startedAt);
        this.#submit({ type: "durable", write });
      },
      (error: unknown) => this.#fail(error instanceof RaftError ? error : new RaftError("failed", String(error))),
    );
  }

  async #sendSnapshot(to: string): Promise<void> {
    const index = await this.#exchange.send(this.#endpoint, to);
    this.#submit({ type: "snapshot-sent", to, index: index ?? 0, isTaken: index !== undefined });
  }

  #received(from: string, term: number, meta: SnapshotMeta, path: string): Promise<void> {
    this.#incoming = path;
    const performed = new Promise<void>((resolve) => {
      this.#submit({ type: "snapshot", from, term, meta }, () => resolve());
    });
    return this.#calls.unlessEnded(performed).finally(() => {
      this.#incoming = undefined;
    });
  }

  #restore(meta: SnapshotMeta): void {
    const snapshot = this.#snapshots.newest;
    if (snapshot?.meta.index === meta.index) this.#applier.restore(meta, () => this.#snapshots.chunks(snapshot));
  }

  async #compact(index: number): Promise<void> {
    const performed = new Promise<void>((resolve) => this.#submit({ type: "compact", index }, () => resolve()));
    await this.#calls.unlessEnded(performed);
    const { term, vote } = this.#core.state.persisted;
    await this.#storage.compact(this.#core.base.index, { term, vote });
  }

  #applied(entries: readonly LogEntry[], results: readonly unknown[]): void {
    const { metrics } = this.#settings;
    const { count, since } = this.#proposals.applied(entries, results);
    if (count > 0) metrics.proposed?.(count, performance.now() - since);
    metrics.applied?.(entries.length);
    this.#snapshotter.applied(entries);
  }

  #changed(): void {
    this.#peers.set(this.#core.membership.members as readonly Member[]);
    this.#calls.changed();
    this.#forwarder.schedule();
    if (this.#listeners.size === 0) return;
    const status = this.status();
    for (const listener of [...this.#listeners]) listener(status);
  }

  #fail(error: RaftError): void {
    if (this.#error) return;
    this.#settings.logger.error({ error: error.message }, "this member takes part no more");
    this.#end(error);
    void this.#machine.halt();
    void this.#endpoint.stop();
  }

  #end(error: RaftError): void {
    this.#error ??= error;
    this.#proposals.end(this.#error);
    this.#reads.end(this.#error);
    this.#calls.end(this.#error);
  }
}
