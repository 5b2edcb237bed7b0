/** A group of real logs in this process: loopback sockets, files in a temporary folder, a Lease in memory. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type OpenReplicatedLog,
  openReplicatedLog,
  type PeerDirectory,
  type ReplicatedLogOptions,
} from "../../src/index.ts";
import { MemoryArbiter, type MemoryLease, memoryLease } from "./lease.ts";
import { ListMachine } from "./machine.ts";

export interface Member {
  readonly id: string;
  readonly log: OpenReplicatedLog;
  readonly arbiter: MemoryArbiter;
  readonly machine: ListMachine;
}

class Directory implements PeerDirectory {
  #peers: readonly { id: string; host: string; port: number }[] = [];
  readonly #listeners = new Set<() => void>();

  peers() {
    return this.#peers;
  }

  subscribe(listener: () => void) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  set(id: string, port: number | undefined) {
    const others = this.#peers.filter((peer) => peer.id !== id);
    this.#peers = port === undefined ? others : [...others, { id, host: "127.0.0.1", port }];
    for (const listener of [...this.#listeners]) listener();
  }
}

const FAST = {
  tickMs: 10,
  heartbeatMs: 30,
  replicaTimeoutMs: 1500,
  downTimeoutMs: 60,
  bootstrapWaitMs: 300,
  compactMs: 60_000,
};

export class Group {
  readonly members = new Map<string, Member>();
  readonly lease: MemoryLease = memoryLease();
  readonly directory = new Directory();
  readonly dir: string;
  readonly #options: (id: string) => Partial<ReplicatedLogOptions>;
  readonly #disks = new Map<string, ListMachine["disk"]>();

  private constructor(dir: string, options: (id: string) => Partial<ReplicatedLogOptions>) {
    this.dir = dir;
    this.#options = options;
  }

  static async open(
    ids: readonly string[],
    options: Partial<ReplicatedLogOptions> | ((id: string) => Partial<ReplicatedLogOptions>) = {},
  ): Promise<Group> {
    const optionsOf = typeof options === "function" ? options : () => options;
    const group = new Group(await mkdtemp(join(tmpdir(), "lease-log-")), optionsOf);
    for (const id of ids) await group.start(id);
    return group;
  }

  async start(id: string, options: Partial<ReplicatedLogOptions> = {}): Promise<Member> {
    const machine = new ListMachine(this.#disks.get(id));
    this.#disks.set(id, machine.disk);
    const arbiter = new MemoryArbiter(id, this.lease);
    const common = this.#options(id);
    const log = await openReplicatedLog({
      id,
      dir: join(this.dir, id),
      arbiter,
      peers: this.directory,
      stateMachine: machine,
      mode: "sync",
      host: "127.0.0.1",
      port: 0,
      ...common,
      ...options,
      timing: { ...FAST, ...common.timing, ...options.timing },
      wire: { retryMinMs: 5, retryMaxMs: 50 },
    });
    arbiter.candidacy = (record) => log.candidacy(record);
    await log.start();
    this.directory.set(id, log.port);
    arbiter.start();
    const member = { id, log, arbiter, machine };
    this.members.set(id, member);
    return member;
  }

  /** Ends a member as a crash would. */
  async crash(id: string): Promise<void> {
    const member = this.get(id);
    this.members.delete(id);
    member.arbiter.kill();
    await member.log.abandon();
  }

  async leave(id: string): Promise<void> {
    const member = this.get(id);
    await member.log.stop();
    member.arbiter.kill();
    this.members.delete(id);
    this.directory.set(id, undefined);
  }

  async wipe(id: string): Promise<void> {
    this.#disks.delete(id);
    await rm(join(this.dir, id), { recursive: true });
  }

  get(id: string): Member {
    const member = this.members.get(id);
    if (!member) throw new RangeError(`${id} is not running`);
    return member;
  }

  get primary(): Member | undefined {
    return [...this.members.values()].find((member) => member.log.status().role === "primary");
  }

  async primaryWith(inSync: number): Promise<Member> {
    await until(() => (this.primary?.log.status().inSync.length ?? 0) >= inSync, `a primary with ${inSync} in sync`);
    const { primary } = this;
    if (!primary) return this.primaryWith(inSync);
    await primary.log.readBarrier();
    return primary;
  }

  async close(): Promise<void> {
    for (const member of this.members.values()) member.arbiter.kill();
    await Promise.all([...this.members.values()].map((member) => member.log.stop()));
    await rm(this.dir, { recursive: true, force: true });
  }
}

/** Waits for a condition, looking often; fails after `boundMs`. */
export async function until(condition: () => boolean, what: string, boundMs = 15_000): Promise<void> {
  const end = performance.now() + boundMs;
  while (!condition()) {
    if (performance.now() > end) throw new RangeError(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export const bytes = (text: string): Uint8Array => Buffer.from(text);
