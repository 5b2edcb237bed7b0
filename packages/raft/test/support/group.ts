/** A group of real members in this process: loopback sockets, files in a temporary folder. */
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type OpenRaft, openRaft, type RaftOptions } from "../../src/index.ts";
import { ListMachine } from "./machine.ts";

export interface GroupMember {
  readonly id: string;
  readonly raft: OpenRaft;
  readonly machine: ListMachine;
}

export const idOf = (number: number): string => number.toString(16).padStart(16, "0");
export const bytes = (text: string): Uint8Array => Buffer.from(text);

/** Short, so that tests are quick; nothing depends on it. */
const FAST = { tickMs: 10, heartbeatMs: 20, electionMs: 100 };

export class Group {
  readonly members = new Map<number, GroupMember>();
  readonly dir: string;
  readonly #options: Partial<RaftOptions>;
  readonly #ports = new Map<number, number>();
  #bootstrap: number[] = [];

  private constructor(dir: string, options: Partial<RaftOptions>) {
    this.dir = dir;
    this.#options = options;
  }

  static async open(size: number, options: Partial<RaftOptions> = {}): Promise<Group> {
    const group = new Group(await mkdtemp(join(tmpdir(), "raft-")), options);
    group.#bootstrap = Array.from({ length: size }, (_, i) => i + 1);
    for (const number of group.#bootstrap) group.#ports.set(number, await freePort());
    for (const number of group.#bootstrap) await group.start(number);
    return group;
  }

  async describe(number: number) {
    const port = this.#ports.get(number) ?? (await freePort());
    this.#ports.set(number, port);
    return { id: idOf(number), name: `pod-${number}`, address: `127.0.0.1:${port}` };
  }

  /** Gives a member that is down another address. */
  async move(number: number) {
    this.#ports.delete(number);
    return this.describe(number);
  }

  /** Starts a member; one that is not of the first waits to be added. */
  async start(number: number, options: Partial<RaftOptions> = {}): Promise<GroupMember> {
    const { id } = await this.describe(number);
    const isFirst = this.#bootstrap.includes(number);
    const bootstrap = isFirst ? await Promise.all(this.#bootstrap.map((each) => this.describe(each))) : undefined;
    const machine = new ListMachine();
    const raft = await openRaft({
      id,
      clusterId: "blue",
      dir: join(this.dir, String(number)),
      stateMachine: machine,
      bootstrap,
      listen: { host: "127.0.0.1", port: this.#ports.get(number) as number },
      timing: FAST,
      wire: { retryMinMs: 5, retryMaxMs: 50 },
      ...this.#options,
      ...options,
    });
    await raft.start();
    const member = { id, raft, machine };
    this.members.set(number, member);
    return member;
  }

  /** Ends a member as a crash would. */
  async crash(number: number): Promise<void> {
    const { raft } = this.get(number);
    this.members.delete(number);
    await raft.abandon();
  }

  async leave(number: number): Promise<void> {
    const { raft } = this.get(number);
    this.members.delete(number);
    await raft.stop();
  }

  get(number: number): GroupMember {
    const member = this.members.get(number);
    if (!member) throw new RangeError(`${number} is not running`);
    return member;
  }

  get all(): readonly GroupMember[] {
    return [...this.members.values()];
  }

  /** Number of the leader that all running members agree on. */
  async leader(): Promise<number> {
    const agreed = () => new Set(this.all.map(({ raft }) => raft.status().leader));
    const leading = () => [...this.members].find(([, { raft }]) => raft.status().role === "leader")?.[0];
    await until(() => agreed().size === 1 && leading() !== undefined, "one leader");
    return leading() ?? this.leader();
  }

  async followers(): Promise<number[]> {
    const leader = await this.leader();
    return [...this.members.keys()].filter((number) => number !== leader);
  }

  async close(): Promise<void> {
    await Promise.all(this.all.map(({ raft }) => raft.abandon()));
    await rm(this.dir, { recursive: true, force: true });
  }
}

/** Waits for a condition, looking often; fails after `boundMs`. */
export async function until(
  condition: () => boolean,
  what: string,
  boundMs = 20_000,
  pause: () => Promise<unknown> = () => new Promise((resolve) => setTimeout(resolve, 5)),
): Promise<void> {
  const end = performance.now() + boundMs;
  while (!condition()) {
    if (performance.now() > end) throw new RangeError(`waited in vain for ${what}`);
    await pause();
  }
}

/**
 * A port that nobody listens on, below those that the kernel gives to outgoing connections (32768 and above on Linux, 49152 elsewhere): such a connection of
 * whatever else runs here would now and then have it before its user listens, or while that one is down for a moment.
 */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
