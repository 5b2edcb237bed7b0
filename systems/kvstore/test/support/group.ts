/** Three members in this process: real stores, logs and elections, over a Lease in memory and loopback connections. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PeerDirectory } from "@coracle/lease-log";
import { createElection, type Election, type LeaseAccess, loadConfig, silentLogger } from "@coracle/pod";
import { type Replica, startReplica } from "../../src/node/replica.ts";
import { SETTINGS } from "../../src/node/settings.ts";
import { memoryLease } from "../../src/testing/lease.ts";

export interface Member {
  readonly id: string;
  readonly replica: Replica;
  readonly election: Election;
  /** In order, as a pod that is deleted gracefully. */
  stop(): Promise<void>;
}

const HOST = "127.0.0.1";

export class Group implements AsyncDisposable {
  readonly #lease: LeaseAccess = memoryLease("kvstore-leader");
  readonly #members = new Map<string, Member>();
  readonly #listeners = new Set<() => void>();
  readonly #dir: string;
  readonly #argv: readonly string[];

  private constructor(dir: string, argv: readonly string[]) {
    this.#dir = dir;
    this.#argv = argv;
  }

  static async create(...argv: string[]): Promise<Group> {
    return new Group(await mkdtemp(join(tmpdir(), "kvstore-group-")), argv);
  }

  get members(): readonly Member[] {
    return [...this.#members.values()];
  }

  dirOf(id: string): string {
    return join(this.#dir, id);
  }

  async start(id: string): Promise<Member> {
    const argv = ["--data-dir", this.dirOf(id), "--port", "0", "--replication-port", "0", ...this.#argv];
    const election = createElection({
      access: this.#lease,
      identity: { name: id, incarnation: `${id}-${Math.random()}` },
      timing: { leaseDurationMs: 1000 },
      candidacy: (record) => member.replica.log.candidacy(record),
    });
    const replica = await startReplica({
      id,
      settings: loadConfig(SETTINGS, { argv, env: {} }),
      host: HOST,
      arbiter: election,
      peers: this.#directory(),
      logger: silentLogger,
      clientAddress: (other) => this.#addressOf(other),
      timing: { bootstrapWaitMs: 200 },
    });
    const member: Member = { id, replica, election, stop: () => this.#stop(id) };
    this.#members.set(id, member);
    for (const listener of this.#listeners) listener();
    await election.start();
    return member;
  }

  /** The member that leads, once there is one and everybody is in sync. */
  async settled(): Promise<Member> {
    for (;;) {
      const primary = this.members.find(({ replica }) => replica.log.status().role === "primary");
      if (primary?.replica.log.status().inSync.length === this.#members.size) return primary;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  async primary(): Promise<Member> {
    for (;;) {
      const primary = this.members.find(({ replica }) => replica.log.status().role === "primary");
      if (primary) return primary;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { stop } of this.members) await stop();
    await rm(this.#dir, { recursive: true, force: true });
  }

  async #stop(id: string): Promise<void> {
    const member = this.#members.get(id);
    this.#members.delete(id);
    await member?.replica.stop();
    await member?.election.stop();
  }

  #addressOf(id: string): string | undefined {
    const port = this.#members.get(id)?.replica.server.port;
    return port === undefined ? undefined : `${HOST}:${port}`;
  }

  #directory(): PeerDirectory {
    return {
      peers: () => this.members.map(({ id, replica }) => ({ id, host: HOST, port: replica.replicationPort })),
      subscribe: (listener) => {
        this.#listeners.add(listener);
        return () => this.#listeners.delete(listener);
      },
    };
  }
}
