/**
 * A container's process as the kubelet holds it: spawned now, or left by an earlier run and adopted. Either way it can be signalled, and
 * tells its exit code once. Its output goes straight into a file, never through a pipe of ours: a pipe would break when the cluster dies,
 * and then either kill the program (SIGPIPE) or, were its read end kept open elsewhere, block it as soon as 64 KiB are full.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import type { Readable, Writable } from "node:stream";
import type { Clock } from "../../machinery/types.ts";
import type { Launch } from "../isolation/types.ts";
import { identityOf, isAlive, type ProcessIdentity, processesOf, signal, treeOf } from "./proc.ts";
import { exitCodeOf } from "./signals.ts";

export interface Exit {
  readonly exitCode: number;
  /** The process that we spawned went down by SIGKILL, which its shim had no time to write down. */
  readonly wasKilled: boolean;
}

export interface ContainerProcess {
  readonly identity: ProcessIdentity;
  readonly exit: Promise<Exit>;
  /** For containers with `stdin`; not after an adoption, the pipe ended with the cluster that held it. */
  readonly stdin?: Writable;
  /** Asks the program to end (TERM). */
  terminate(): void;
  /** Ends everything that belongs to the container. */
  kill(): void;
}

export interface SpawnOptions {
  readonly containerID: string;
  readonly log: string;
  readonly exitRecord: string;
  readonly hasStdin: boolean;
  /** How long the shim has to begin. */
  readonly limitMs: number;
  readonly clock: Clock;
}

export type StartResult =
  | { readonly ok: true; readonly process: ContainerProcess }
  | { readonly ok: false; readonly message: string };

/** Spawns the launch and waits for the shim's handshake. */
export async function spawnContainer(launch: Launch, options: SpawnOptions): Promise<StartResult> {
  const log = openSync(options.log, "a", 0o640);
  const record = openSync(options.exitRecord, "w", 0o640);
  try {
    const { file, args, env, cwd } = launch;
    const stdin = options.hasStdin ? "pipe" : "ignore";
    const child = spawn(file, args, { env, cwd, detached: true, stdio: [stdin, log, log, "pipe", record] });
    return await handshake(child, options);
  } finally {
    closeSync(log);
    closeSync(record);
  }
}

async function handshake(child: ChildProcess, { containerID, clock, limitMs }: SpawnOptions): Promise<StartResult> {
  const exit = exitOf(child);
  const cancel = clock.after(limitMs, () => child.pid !== undefined && signal(-child.pid, "SIGKILL"));
  const said = await readAll(child.stdio[3] as Readable, child);
  cancel();
  if (child.pid === undefined || !isGo(said)) {
    if (child.pid !== undefined) await exit;
    return { ok: false, message: said.trim() || "the container's first process ended before its program began" };
  }
  child.stdin?.on("error", () => undefined);
  const held = hold(containerID, identityOf(child.pid), exit, clock);
  return { ok: true, process: { ...held, ...(child.stdin && { stdin: child.stdin }) } };
}

const isGo = (said: string): boolean => said === "ok\n" || said.endsWith("\nok\n");

const maxHandshakeBytes = 64 * 1024;

function readAll(stream: Readable, child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    stream.setEncoding("utf8");
    // unshare(1) keeps its copy of the descriptor for as long as the container lives, so the end of the stream is not the signal.
    stream.on("data", (chunk: string) => {
      text = (text + chunk).slice(-maxHandshakeBytes);
      if (isGo(text)) stream.destroy();
    });
    stream.on("close", () => resolve(text));
    child.on("error", ({ message }) => resolve(message));
  });
}

const exitOf = (child: ChildProcess): Promise<Exit> =>
  new Promise((resolve) => {
    child.on("error", () => resolve({ exitCode: 128, wasKilled: false }));
    child.on("exit", (code, name) => resolve({ exitCode: exitCodeOf(code, name), wasKilled: name === "SIGKILL" }));
  });

export interface AdoptOptions {
  readonly containerID: string;
  readonly exitRecord: string;
  readonly clock: Clock;
  /** How often to look whether it still runs: only a parent is told. */
  readonly pollMs: number;
}

/** Takes over a process that is still running although its cluster is gone; undefined when it is not. */
export function adoptContainer(identity: ProcessIdentity, options: AdoptOptions): ContainerProcess | undefined {
  if (identity.pid <= 0 || !isAlive(identity)) return undefined;
  const { clock, pollMs, exitRecord, containerID } = options;
  const exit = new Promise<Exit>((resolve) => {
    const look = (): void => {
      if (isAlive(identity)) clock.after(pollMs, look);
      else resolve({ exitCode: recordedExit(exitRecord) ?? 137, wasKilled: false });
    };
    clock.after(pollMs, look);
  });
  return hold(containerID, identity, exit, clock);
}

/** The exit code that the shim wrote down; undefined when it was not given the time to. */
export function recordedExit(path: string): number | undefined {
  try {
    const text = readFileSync(path, "latin1").trim();
    return /^\d{1,3}$/.test(text) ? Number(text) : undefined;
  } catch {
    return undefined;
  }
}

function hold(containerID: string, identity: ProcessIdentity, exit: Promise<Exit>, clock: Clock): ContainerProcess {
  const { pid } = identity;
  // The kernel ends a PID namespace with its first process; without one, what outlives the shim or has left its group is looked for.
  const first = isUnshare(pid) ? treeOf(pid)[1] : undefined;
  const clean = (): void => {
    signal(-pid, "SIGKILL");
    if (first === undefined) sweep(containerID);
  };
  return {
    identity,
    exit: exit.then(async (how) => {
      clean();
      // unshare(1) may be gone before the namespace is: whoever is told of the exit may count on free ports and files.
      if (first !== undefined) await endOf(first, clock);
      return how;
    }),
    terminate: () => void signal(first?.pid ?? pid, "SIGTERM"),
    kill: clean,
  };
}

/** At most this long: a process that waits for a dead disk cannot be ended at all. */
const endLimitMs = 2000;
const endPollMs = 5;

function endOf(process: ProcessIdentity, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    const look = (waitedMs: number): void => {
      if (waitedMs >= endLimitMs || !isAlive(process)) resolve();
      else clock.after(endPollMs, () => look(waitedMs + endPollMs));
    };
    look(0);
  });
}

/** Ends every process of a container, wherever it has moved. */
export function sweep(containerID: string): void {
  for (const pid of processesOf(containerID)) signal(pid, "SIGKILL");
}

/** Whether the spawned process is unshare(1) waiting for the shim, its child, rather than the shim itself. */
function isUnshare(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/comm`, "latin1").trim() === "unshare";
  } catch {
    return false;
  }
}
