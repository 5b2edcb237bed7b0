/** Members as processes of their own on loopback, with a file for discovery: to be killed, paused, wiped, measured. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { askJson } from "../cli/client.ts";
import type { ClusterAnswer } from "../cli/text.ts";
import { WhitewaterError } from "../errors.ts";

const HOST = "127.0.0.1";
/** The command, which runs what was compiled, also when this file is run from source. */
const PROGRAM = fileURLToPath(new URL("../../bin/whitewater.js", import.meta.url));

export interface ProcessGroupOptions {
  /** Members' data folders are made in here. */
  readonly dir: string;
  /** Default 3. */
  readonly size?: number;
  /** Flags of `whitewater server` for every member. */
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Each line that a member writes. */
  readonly onLine?: (name: string, line: string) => void;
}

export interface MemberProcess {
  readonly name: string;
  readonly pid: number;
  /** `host:port` of HTTP, and of etcd's clients. */
  readonly address: string;
  readonly etcdAddress: string;
  readonly child: ChildProcess;
  /** Resolves with the exit code, or null after a signal, once the process is gone. */
  kill(signal: NodeJS.Signals): Promise<number | null>;
  /** All that it has written. */
  output(): string;
}

interface Place {
  readonly port: number;
  readonly etcdPort: number;
}

export class ProcessGroup implements AsyncDisposable {
  readonly #options: ProcessGroupOptions;
  readonly #places = new Map<string, Place>();
  readonly #members = new Map<string, MemberProcess>();

  constructor(options: ProcessGroupOptions) {
    this.#options = options;
  }

  /** Those that run. */
  get members(): readonly MemberProcess[] {
    return [...this.#members.values()];
  }

  get endpoints(): readonly string[] {
    return this.members.map(({ address }) => address);
  }

  dirOf(name: string): string {
    return join(this.#options.dir, name);
  }

  /** Starts `w-0` to `w-(count - 1)`; resolves once there is a leader and all are members. */
  async startAll(count = this.#options.size ?? 3): Promise<void> {
    const names = Array.from({ length: count }, (_, n) => `w-${n}`);
    for (const name of names) await this.#place(name);
    await Promise.all(names.map((name) => this.start(name)));
    await this.until(({ leader, members }) => leader !== null && members.length >= count);
  }

  /** Resolves once the process runs, which may not take part yet; one that runs already is left as it is. */
  async start(name: string): Promise<MemberProcess> {
    const running = this.#members.get(name);
    if (running) return running;
    const { dir, size = 3, flags = [], env = {}, onLine } = this.#options;
    const { port, etcdPort } = await this.#place(name);
    const ports = ["--port", String(port), "--etcd-port", String(etcdPort)];
    const argv = [PROGRAM, "server", "--data-dir", this.dirOf(name), ...ports, ...flags];
    await mkdir(this.dirOf(name), { recursive: true });
    const child = spawn(process.execPath, argv, {
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        POD_NAME: name,
        POD_IP: HOST,
        PEERS_FILE: join(dir, "peers.json"),
        INITIAL_CLUSTER_SIZE: String(size),
        ...env,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk: Buffer) => {
        output = (output + chunk).slice(-200_000);
        for (const line of String(chunk).split("\n")) if (line !== "") onLine?.(name, line);
      });
    const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
    const member: MemberProcess = {
      name,
      pid: child.pid ?? 0,
      address: `${HOST}:${port}`,
      etcdAddress: `${HOST}:${etcdPort}`,
      child,
      output: () => output,
      kill: (signal) => {
        child.kill(signal);
        return exited;
      },
    };
    this.#members.set(name, member);
    void exited.then(() => {
      if (this.#members.get(name)?.child === child) this.#members.delete(name);
    });
    return member;
  }

  /** Its disk is lost. */
  async wipe(name: string): Promise<void> {
    await rm(this.dirOf(name), { recursive: true, force: true });
  }

  /** Who leads, as any of the members that run says. */
  status(): Promise<ClusterAnswer> {
    return askJson<ClusterAnswer>({ endpoints: this.endpoints, timeoutMs: 2000 }, { path: "/v1/cluster" });
  }

  /** Resolves with the first answer that satisfies; rejects with what the members wrote. */
  async until(isSo: (answer: ClusterAnswer) => boolean, timeoutMs = 60_000): Promise<ClusterAnswer> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const answer = await this.status().catch(() => undefined);
      if (answer && isSo(answer)) return answer;
      if (performance.now() > deadline) throw new WhitewaterError("timeout", this.#described(answer));
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.members.map((member) => member.kill("SIGKILL")));
  }

  #described(answer: ClusterAnswer | undefined): string {
    const logs = this.members.map(({ name, output }) => `${name}:\n${output().slice(-2000)}`);
    return `The group did not get there. Last answer: ${JSON.stringify(answer)}\n${logs.join("\n")}`;
  }

  async #place(name: string): Promise<Place> {
    const known = this.#places.get(name);
    if (known) return known;
    const place = { port: await freePort(), etcdPort: await freePort() };
    this.#places.set(name, place);
    const peers = [...this.#places.values()].map(({ port }) => `${HOST}:${port}`);
    await mkdir(this.#options.dir, { recursive: true });
    await writeFile(join(this.#options.dir, "peers.json"), JSON.stringify({ peers }));
    return place;
  }
}

/**
 * A port that nobody listens on, below those that the kernel gives to outgoing connections (32768 and above on Linux, 49152 elsewhere): such a connection of
 * whatever else runs here would now and then have it before its user listens, or while that one is down for a moment.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, HOST, () => server.close(() => resolve(true)));
  });
}
