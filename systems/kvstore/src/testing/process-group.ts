/** Members as processes of their own on loopback, with the Lease kept here: to be killed, paused, measured. */
import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readStatus } from "../cli/status.ts";
import { KvStoreError } from "../errors.ts";
import { memoryLease } from "./lease.ts";
import type { FromMember, PeerAddress, ToMember } from "./messages.ts";

const HOST = "127.0.0.1";
/** The compiled program, also when this file is run from source. */
const PROGRAM = fileURLToPath(new URL("./member.js", import.meta.url)).replace("/src/testing/", "/dist/testing/");

export interface ProcessGroupOptions {
  /** Members' data folders are made in here ... */
  readonly dir: string;
  /** ... but for those that have one of their own. */
  readonly dirs?: Readonly<Record<string, string>>;
  /** Default 1 s. */
  readonly leaseMs?: number;
  /** Flags of `kvstore server` for every member. */
  readonly flags?: readonly string[];
  /** Flags of Node, such as `--cpu-prof`. */
  readonly nodeFlags?: readonly string[];
  /** Each line that a member logs. */
  readonly onLine?: (id: string, line: string) => void;
}

export interface MemberProcess {
  readonly id: string;
  readonly pid: number;
  readonly port: number;
  readonly address: PeerAddress;
  readonly child: ChildProcess;
  /** Resolves with the exit code, or null after a signal, once the process is gone. */
  kill(signal: NodeJS.Signals): Promise<number | null>;
}

export class ProcessGroup implements AsyncDisposable {
  readonly #options: ProcessGroupOptions;
  readonly #lease = memoryLease("kvstore-leader");
  readonly #members = new Map<string, MemberProcess>();

  constructor(options: ProcessGroupOptions) {
    this.#options = options;
  }

  get members(): readonly MemberProcess[] {
    return [...this.#members.values()];
  }

  dirOf(id: string): string {
    return this.#options.dirs?.[id] ?? join(this.#options.dir, id);
  }

  /** Who holds the Lease, as a member that runs. */
  async holder(): Promise<MemberProcess | undefined> {
    const lease = await this.#lease.read(new AbortController().signal);
    return this.#members.get(lease?.spec?.holderIdentity ?? "");
  }

  /** What the primary says of the group; undefined while there is none. */
  async status(): Promise<Awaited<ReturnType<typeof readStatus>> | undefined> {
    const holder = await this.holder();
    if (!holder) return undefined;
    const target = { host: HOST, port: holder.port, timeoutMs: 5000 };
    const status = await readStatus(target).catch(() => undefined);
    return status?.role === "primary" ? status : undefined;
  }

  /** Resolves once the member takes connections; rejects with what it said when it ends before. */
  start(id: string): Promise<MemberProcess> {
    const { leaseMs = 1000, flags = [], nodeFlags = [], onLine } = this.#options;
    const argv = ["--data-dir", this.dirOf(id), "--port", "0", "--replication-port", "0", ...flags];
    const child = fork(PROGRAM, [id, String(leaseMs), ...argv], {
      execArgv: [...nodeFlags],
      env: { PATH: process.env.PATH, HOME: process.env.HOME },
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream?.on("data", (chunk: Buffer) => {
        output = (output + chunk).slice(-100_000);
        for (const line of String(chunk).split("\n")) if (line !== "") onLine?.(id, line);
      });
    const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
    return new Promise((resolve, reject) => {
      child.on("message", (message: FromMember) => {
        if (message.type === "lease") return void this.#answer(child, message);
        resolve(this.#add(id, child, message, exited));
      });
      void exited.then((code) => {
        if (this.#members.get(id)?.child === child) this.#remove(id);
        reject(new KvStoreError("closed", `${id} exited with ${code}: ${output}`));
      });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.members.map((member) => member.kill("SIGKILL")));
  }

  #add(
    id: string,
    child: ChildProcess,
    { port, replicationPort }: FromMember & { type: "listening" },
    exited: Promise<number | null>,
  ): MemberProcess {
    const address = { id, host: HOST, port: replicationPort, clientPort: port };
    const kill = (signal: NodeJS.Signals) => {
      child.kill(signal);
      return exited;
    };
    const member = { id, pid: child.pid ?? 0, port, address, child, kill };
    this.#members.set(id, member);
    this.#publish();
    return member;
  }

  #remove(id: string): void {
    this.#members.delete(id);
    this.#publish();
  }

  #publish(): void {
    const peers = this.members.map(({ address }) => address);
    for (const { child } of this.members) tell(child, { type: "peers", peers });
  }

  async #answer(child: ChildProcess, message: FromMember & { type: "lease" }): Promise<void> {
    const { signal } = new AbortController();
    const { call } = message;
    const answer =
      message.verb === "read" ? await this.#lease.read(signal) : await this.#lease[message.verb](message.lease, signal);
    tell(child, { type: "lease", call, answer });
  }
}

/** A member that is gone hears nothing more. */
function tell(child: ChildProcess, message: ToMember): void {
  if (child.connected) child.send(message, () => undefined);
}
