/** `kubectl attach`: the main process's own streams. Its output is read back from its log, its input is the pipe that it was given. */
import { PassThrough, Readable, type Writable } from "node:stream";
import type { Container } from "kubernetes-types/core/v1.js";
import type { ContainerLog } from "./logs/container-log.ts";
import { followBytes } from "./logs/follow-bytes.ts";
import type { RunningContainer } from "./pod/running-container.ts";
import { resizePty } from "./process/pty.ts";
import type { ExecOptions, ExecSession } from "./types.ts";

export function attachTo(
  running: RunningContainer,
  container: Container,
  wants: Omit<ExecOptions, "command">,
  signal: AbortSignal,
): ExecSession {
  const stdout = Readable.from(followBytes(running.log, running.takeAttachOffset(), signal), { objectMode: false });
  const target = wants.stdin ? running.process.stdin : undefined;
  return {
    ...(target && { stdin: inputTo(target, container.stdinOnce ?? false) }),
    stdout,
    resize: (columns, rows) => resizePty(running.process.identity.pid, columns, rows),
    // As in Kubernetes: how the process ended is in the pod's status; only exec passes exit codes on.
    exitCode: running.ended.then(() => 0),
  };
}

/** A container that ended before anybody could attach: what it said, and no more. */
export const attachToEnded = (log: ContainerLog, signal: AbortSignal): ExecSession => ({
  stdout: Readable.from(followBytes(log, 0, signal), { objectMode: false }),
  resize: () => undefined,
  exitCode: Promise.resolve(0),
});

/** The input outlives those who attach, unless the container wants it to end with the first (`stdinOnce`). */
function inputTo(target: Writable, endsWithUs: boolean): Writable {
  const input = new PassThrough();
  input.pipe(target, { end: endsWithUs });
  return input;
}
