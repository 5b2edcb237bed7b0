/** One more process in a running container, owned by whoever asked for it. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { PassThrough, type Readable } from "node:stream";
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
    stdio: [wants.stdin ? "pipe" : "ignore", "pipe", "pipe", "pipe"],
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
    let problem = "";
    const note = child.stdio[3] as Readable;
    note
      .on("error", () => undefined)
      .on("data", (chunk: Buffer) => {
        problem += chunk.toString("utf8");
      });
    child.on("exit", (code, name) => {
      const exitCode = exitCodeOf(code, name);
      // A shell may end so too; only the launch itself says why.
      const settle = () => (problem === "" ? resolve(exitCode) : reject(unstartable(problem.trim())));
      if (exitCode !== noProgram || note.closed) settle();
      else note.once("close", settle);
    });
  });

/** How a shell ends that can't find a program. */
const noProgram = 127;

/** As containerd tells the kubelet, and the kubelet kubectl. */
const unstartable = (problem: string) =>
  new StatusError(
    "InternalError",
    `Internal error occurred: error executing command in container: failed to exec in container: failed to start exec ` +
      `"${randomBytes(32).toString("hex")}": OCI runtime exec failed: exec failed: unable to start container process: ${problem}: unknown`,
  );

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
  const exitCode = await session.exitCode.catch((error: Error) => {
    output = error.message;
    return noProgram;
  });
  signal.throwIfAborted();
  return { exitCode, output };
}
