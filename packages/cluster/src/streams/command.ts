/** Running a command in a pod for a client, whatever carries the streams. */
import { PassThrough, type Readable, type Writable } from "node:stream";
import { finished } from "node:stream/promises";
import type { ExecSession } from "../kubelet/types.ts";
import { exitStatus, failureStatus, type StreamStatus } from "./status.ts";
import type { StreamContext } from "./types.ts";

/** What the client asked for, from the query. */
export interface CommandRequest {
  readonly container?: string;
  readonly command: readonly string[];
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

/** The client's ends of the streams; those it did not ask for are absent. */
export interface CommandChannels {
  /** Ends when the client closes its input. */
  readonly stdin?: Readable | undefined;
  readonly stdout?: Writable | undefined;
  readonly stderr?: Writable | undefined;
  /** Sent once, after all output. */
  sendStatus(status: StreamStatus): void;
}

const isTrue = (value: string | null): boolean => value === "true" || value === "1";

export function readCommandRequest(query: URLSearchParams): CommandRequest {
  const container = query.get("container");
  const tty = isTrue(query.get("tty"));
  return {
    ...(container && { container }),
    command: query.getAll("command"),
    stdin: isTrue(query.get("stdin")),
    stdout: isTrue(query.get("stdout")),
    // A terminal has one output.
    stderr: isTrue(query.get("stderr")) && !tty,
    tty,
  };
}

/** Starts or joins the process. Rejects with StatusError as the kubelet does. */
export async function openSession(context: StreamContext, request: CommandRequest): Promise<ExecSession> {
  const { kubelet, pod, subresource, signal } = context;
  const { command, ...options } = request;
  const session = await (subresource === "attach"
    ? kubelet.attach(pod, options, signal)
    : kubelet.exec(pod, { ...options, command }, signal));
  const { stdin, stdout, stderr, exitCode } = session;
  return {
    ...(stdin && { stdin }),
    stdout: held(stdout),
    ...(stderr && { stderr: held(stderr) }),
    resize: (columns, rows) => session.resize(columns, rows),
    exitCode,
  };
}

/**
 * Begins to read at once, though the client's streams are not open yet: Node.js throws away what a child process that has ended
 * left in a pipe that nobody reads.
 */
function held(source: Readable): Readable {
  const buffer = new PassThrough();
  source.on("error", () => buffer.end());
  return source.pipe(buffer);
}

/** Carries the streams until the process has ended and all of its output is sent, then says how it ended. */
export async function carry(session: ExecSession, channels: CommandChannels): Promise<void> {
  if (session.stdin) {
    // A process that does not read its input is no error; what it said and how it ended is what counts.
    session.stdin.on("error", () => channels.stdin?.unpipe().resume());
    channels.stdin?.pipe(session.stdin);
  }
  const outputs = [send(session.stdout, channels.stdout), send(session.stderr, channels.stderr)];
  const status = await session.exitCode.then(exitStatus, failureStatus);
  await Promise.all(outputs);
  channels.sendStatus(status);
}

/** Resolves when all of `source` is sent, or nobody takes it any more; output that nobody asked for is read and dropped, so that the process is not held up. */
async function send(source: Readable | undefined, target: Writable | undefined): Promise<void> {
  if (!source) return void target?.end();
  if (!target) {
    source.resume();
    return;
  }
  source.pipe(target);
  // A client that left does not fail the command here: its signal ends the process.
  await finished(target, { readable: false }).catch(() => source.unpipe().resume());
}

/** Applies a resize message, `{"Width":80,"Height":24}`; anything else is ignored. */
export function resize(session: ExecSession, message: string): void {
  const size = parseSize(message);
  if (size) session.resize(size.Width, size.Height);
}

function parseSize(message: string): { Width: number; Height: number } | undefined {
  try {
    const { Width, Height } = JSON.parse(message) ?? {};
    return Number.isInteger(Width) && Number.isInteger(Height) ? { Width, Height } : undefined;
  } catch {
    // Not JSON: terminal sizes are cosmetic, the command goes on.
    return undefined;
  }
}
