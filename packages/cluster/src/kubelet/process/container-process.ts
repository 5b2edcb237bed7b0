/**
 * A container's process as the kubelet holds it: spawned now, or left by an earlier run and adopted. Either way it can be signalled, and
 * tells its exit code once. Its output goes straight into a file, never through a pipe of ours: a pipe would break when the cluster dies,
 * and then either kill the program (SIGPIPE) or, were its read end kept open elsewhere, block it as soon as 64 KiB are full.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import type { Readable } from "node:stream";
import type { Clock } from "../../machinery/types.ts";
import type { Launch } from "../isolation/types.ts";
import { identityOf, isAlive, type ProcessIdentity, processesOf, signal, treeOf } from "./proc.ts";

export interface Exit {
  readonly exitCode: number;
  /** Ended by SIGKILL that somebody else sent. */
  readonly wasKilled: boolean;
}

export interface ContainerProcess {
  readonly identity: ProcessIdentity;
  readonly exit: Promise<Exit>;
  /** Asks the program to end (TERM). */
  terminate(): void;
  /** Ends everything that belongs to the container. */
  kill(): void;
}

export interface ProcessFiles {
  readonly log: string;
  readonly exitRecord: string;
}

export type StartResult =
  | { readonly ok: true; readonly process: ContainerProcess }
  | { readonly ok: false; readonly message: string };

/** Spawns the launch and waits for the shim's handshake. */
export async function spawnContainer(containerID: string, launch: Launch, files: ProcessFiles): Promise<StartResult> {
  const log = openSync(files.log, "a", 0o640);
  const record = openSync(files.exitRecord, "w", 0o640);
  try {
    const { file, args, env, cwd } = launch;
    const child = spawn(file, args, { env, cwd, detached: true, stdio: ["ignore", log, log, "pipe", record] });
    return await handshake(containerID, child);
  } finally {
    closeSync(log);
    closeSync(record);
  }
}

async function handshake(containerID: string, child: ChildProcess): Promise<StartResult> {
  const exit = exitOf(child);
  const said = await readAll(child.stdio[3] as Readable, child);
  if (child.pid === undefined || !isGo(said)) {
    if (child.pid !== undefined) await exit;
    return { ok: false, message: said.trim() || "the container's first process ended before its program began" };
  }
  const identity = identityOf(child.pid);
  return { ok: true, process: held(containerID, identity, exit) };
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
    child.on("exit", (code, signalName) =>
      resolve({
        exitCode: code ?? 128 + (signalNumbers[signalName ?? "SIGKILL"] ?? 9),
        wasKilled: signalName === "SIGKILL",
      }),
    );
  });

const signalNumbers: Partial<Record<NodeJS.Signals, number>> = { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 };

/** Takes over a process that is still running although its cluster is gone; undefined when it is not. */
export function adoptContainer(
  containerID: string,
  identity: ProcessIdentity,
  files: ProcessFiles,
  clock: Clock,
  pollMs: number,
): ContainerProcess | undefined {
  if (!isAlive(identity)) return undefined;
  const exit = new Promise<Exit>((resolve) => {
    const look = (): void => {
      if (isAlive(identity)) clock.after(pollMs, look);
      else resolve({ exitCode: recordedExit(files.exitRecord) ?? 137, wasKilled: false });
    };
    clock.after(pollMs, look);
  });
  return held(containerID, identity, exit);
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

function held(containerID: string, identity: ProcessIdentity, exit: Promise<Exit>): ContainerProcess {
  return {
    identity,
    // What outlives the shim in the group or has left it goes with the container.
    exit: exit.then((how) => {
      sweep(containerID, identity.pid);
      return how;
    }),
    terminate: () => void signal(shimOf(identity.pid), "SIGTERM"),
    kill() {
      signal(-identity.pid, "SIGKILL");
      sweep(containerID, identity.pid);
    },
  };
}

/** Ends every process of a container, wherever it has moved. */
export function sweep(containerID: string, group?: number): void {
  if (group !== undefined) signal(-group, "SIGKILL");
  for (const pid of processesOf(containerID)) signal(pid, "SIGKILL");
}

/** The shim is the spawned process itself, or the child of unshare(1), which takes no TERM. */
function shimOf(pid: number): number {
  const below = treeOf(pid);
  return below[0] !== undefined && isUnshare(pid) ? (below[1]?.pid ?? pid) : pid;
}

function isUnshare(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/comm`, "latin1").trim() === "unshare";
  } catch {
    return false;
  }
}
