/** What goes through the API server into a pod: commands, and connections to its ports. */
import { createServer, type Server, type Socket } from "node:net";
import { PassThrough } from "node:stream";
import type { ExecResult } from "@coracle/drill";
import type { KubeConfig, V1Status } from "@kubernetes/client-node";
import type { OfficialConfig } from "./connect.ts";
import { CliError } from "./errors.ts";

const EXEC_TIMEOUT_MS = 60_000;

export interface PodCommand {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  readonly command: readonly string[];
}

/** Runs a command in a container. Rejects with CliError when it could not be run; code 137 when the container ended meanwhile. */
export async function execInPod(config: OfficialConfig, what: PodCommand): Promise<ExecResult> {
  const { Exec } = await import("@kubernetes/client-node/dist/exec.js");
  const { namespace, pod, container, command } = what;
  const sink = new PassThrough();
  const chunks: Buffer[] = [];
  sink.on("data", (chunk: Buffer) => chunks.push(chunk));
  const failed = (why: string): CliError =>
    new CliError(`${command.join(" ")} could not be run in ${namespace}/${pod}: ${why}.`);
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(failed(`no end within ${EXEC_TIMEOUT_MS / 1000} s`)), EXEC_TIMEOUT_MS);
    const finish = (status: V1Status): void => {
      clearTimeout(timer);
      resolve({ code: exitCodeOf(status), output: Buffer.concat(chunks).toString() });
    };
    const fail = (error: { readonly message?: string }): void => {
      clearTimeout(timer);
      reject(failed(error.message || "the API server refused"));
    };
    new Exec(config as KubeConfig)
      .exec(namespace, pod, container, [...command], sink, sink, null, false, finish)
      // Closed without a status: the container ended, and the command with it. After a status this changes nothing.
      .then((socket) => socket.on("close", () => finish({ status: "Failure", details: KILLED })), fail);
  });
}

/** As a shell words SIGKILL. */
const KILLED = { causes: [{ reason: "ExitCode", message: "137" }] };

/** Kubernetes tells a non-zero exit code as a cause of a failure. */
export function exitCodeOf({ status, details }: V1Status): number {
  if (status === "Success") return 0;
  const cause = details?.causes?.find(({ reason }) => reason === "ExitCode");
  return Number(cause?.message ?? 1);
}

export interface Forwards {
  /** A loopback address that leads to the pod's port. Each connection is forwarded anew, so the pod may be replaced meanwhile. */
  reach(pod: string, port: number): { readonly host: string; readonly port: number };
  stop(): void;
}

/** Opens one listener for each of `pods`, so that reaching them needs no waiting. */
export async function forwardPorts(
  config: OfficialConfig,
  namespace: string,
  pods: readonly string[],
  port: number,
): Promise<Forwards> {
  const listeners = new Map<string, Server>();
  for (const pod of pods)
    listeners.set(pod, await listen((socket) => void forward(config, { namespace, pod, port, socket })));
  return {
    reach: (pod) => ({ host: "127.0.0.1", port: portOf(listeners.get(pod)) }),
    stop: () => {
      for (const server of listeners.values()) server.close();
    },
  };
}

function listen(onConnection: (socket: Socket) => void): Promise<Server> {
  const server = createServer(onConnection);
  server.unref();
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => resolve(server));
  });
}

/** 0, which refuses connections, for a pod that was not there when the ports were opened. */
function portOf(server: Server | undefined): number {
  const address = server?.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

interface Forwarding {
  readonly namespace: string;
  readonly pod: string;
  readonly port: number;
  readonly socket: Socket;
}

async function forward(config: OfficialConfig, { namespace, pod, port, socket }: Forwarding): Promise<void> {
  const { PortForward } = await import("@kubernetes/client-node/dist/portforward.js");
  socket.on("error", () => socket.destroy());
  try {
    const stream = await new PortForward(config as KubeConfig).portForward(
      namespace,
      pod,
      [port],
      socket,
      null,
      socket,
    );
    const tunnel = typeof stream === "function" ? stream() : stream;
    tunnel?.on("close", () => socket.destroy());
    socket.on("close", () => tunnel?.close());
  } catch {
    // A pod that is gone or not yet there refuses, as its own port would.
    socket.destroy();
  }
}
