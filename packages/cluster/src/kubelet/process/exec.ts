/** One more process in a running container, owned by whoever asked for it. */
import { type ChildProcess, spawn } from "node:child_process";
import { PassThrough } from "node:stream";
import { StatusError } from "../../machinery/errors.ts";
import type { Launch } from "../isolation/types.ts";
import type { ExecSession } from "../types.ts";
import { signal as sendSignal } from "./proc.ts";
import { ptyLaunch, resizePty } from "./pty.ts";
import { exitCodeOf } from "./signals.ts";

export interface SpawnedExec extends ExecSession {
  readonly pid: number | undefined;
}

/** Spawns the launch with its streams. When the signal fires, or stdout is destroyed, its whole process group is ended. */
export function spawnExec(launch: Launch, wants: { stdin: boolean; tty: boolean }, signal: AbortSignal): SpawnedExec {
  const { file, args, env, cwd } = wants.tty ? ptyLaunch(launch) : launch;
  const child = spawn(file, args, {
    env,
    cwd,
    detached: true,
    stdio: [wants.stdin ? "pipe" : "ignore", "pipe", "pipe"],
  });
  const stdout = child.stdout ?? new PassThrough();
  const end = (): void => {
    if (child.pid !== undefined && child.exitCode === null) sendSignal(-child.pid, "SIGKILL");
  };
  signal.addEventListener("abort", end, { once: true });
  stdout.on("close", () => !stdout.readableEnded && end());
  child.stdin?.on("error", () => undefined);
  const exitCode = endOf(child).finally(() => signal.removeEventListener("abort", end));
  exitCode.catch(() => undefined);
  return {
    pid: child.pid,
    ...(child.stdin && { stdin: child.stdin }),
    stdout,
    ...(child.stderr && !wants.tty && { stderr: child.stderr }),
    resize: (columns, rows) => void (wants.tty && child.pid !== undefined && resizePty(child.pid, columns, rows)),
    exitCode,
  };
}

const endOf = (child: ChildProcess): Promise<number> =>
  new Promise((resolve, reject) => {
    child.on("error", ({ message }) =>
      reject(new StatusError("InternalError", `error executing command in container: ${message}`)),
    );
    child.on("exit", (code, name) => resolve(exitCodeOf(code, name)));
  });

export interface Ended {
  readonly exitCode: number;
  readonly output: string;
}

/** Runs the launch to its end and collects what it says, at most `maxBytes`. Rejects when the signal fires first. */
export async function runToEnd(launch: Launch, signal: AbortSignal, maxBytes = 10 * 1024): Promise<Ended> {
  const session = spawnExec(launch, { stdin: false, tty: false }, signal);
  let output = "";
  for (const stream of [session.stdout, session.stderr]) {
    stream?.on("data", (chunk: Buffer) => {
      output = (output + chunk.toString("utf8")).slice(0, maxBytes);
    });
  }
  const exitCode = await session.exitCode;
  signal.throwIfAborted();
  return { exitCode, output };
}
