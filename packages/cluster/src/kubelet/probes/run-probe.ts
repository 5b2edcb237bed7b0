/** Carries out one probe. */
import { request } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { request as secureRequest } from "node:https";
import { connect } from "node:net";
import type {
  Container,
  ExecAction,
  GRPCAction,
  HTTPGetAction,
  Probe,
  TCPSocketAction,
} from "kubernetes-types/core/v1.js";
import { messageOf } from "../errors.ts";
import { decodeHealth, encodeHealthRequest } from "./grpc-health.ts";

export interface ProbeResult {
  readonly ok: boolean;
  readonly output: string;
}

/** What a probe reaches its container through. */
export interface ProbeTarget {
  readonly host: string;
  readonly container: Container;
  /** Runs a command in the container; rejects when the signal fires first. */
  exec(
    command: readonly string[],
    signal: AbortSignal,
  ): Promise<{ readonly exitCode: number; readonly output: string }>;
}

const maxOutputBytes = 10 * 1024;

/** Never rejects: what goes wrong is a failure of the probe. */
export async function runProbe(probe: Probe, target: ProbeTarget): Promise<ProbeResult> {
  const timeoutSeconds = probe.timeoutSeconds ?? 1;
  const signal = AbortSignal.timeout(timeoutSeconds * 1000);
  try {
    return await attempt(probe, target, signal, timeoutSeconds);
  } catch (error) {
    return { ok: false, output: messageOf(error) };
  }
}

async function attempt(
  probe: Probe,
  target: ProbeTarget,
  signal: AbortSignal,
  timeoutSeconds: number,
): Promise<ProbeResult> {
  const grpc = (probe as { grpc?: GRPCAction }).grpc;
  if (probe.exec) return await probeExec(probe.exec, target, signal, timeoutSeconds);
  if (probe.httpGet) return await probeHttp(probe.httpGet, target, signal);
  if (probe.tcpSocket) return await probeTcp(probe.tcpSocket, target, signal);
  if (grpc) return await probeGrpc(grpc, target, signal);
  return { ok: true, output: "" };
}

async function probeExec(
  { command = [] }: ExecAction,
  target: ProbeTarget,
  signal: AbortSignal,
  timeoutSeconds: number,
) {
  const ended = await target.exec(command, signal).catch((error: unknown) => {
    if (signal.aborted)
      return { exitCode: -1, output: `command timed out: "${command.join(" ")}" timed out after ${timeoutSeconds}s` };
    throw error;
  });
  return { ok: ended.exitCode === 0, output: ended.output.slice(0, maxOutputBytes) };
}

/** A port by number or by the container's name for it. */
export function portNumber(port: number | string, container: Container): number {
  const named = container.ports?.find(({ name }) => name === port)?.containerPort;
  return named ?? Number(port);
}

/** Status 200 to 399 is a success, as in Kubernetes; redirects are not followed. Also used for lifecycle hooks. */
export function probeHttp(
  action: HTTPGetAction,
  { host, container }: Pick<ProbeTarget, "host" | "container">,
  signal: AbortSignal,
): Promise<ProbeResult> {
  const isSecure = action.scheme?.toUpperCase() === "HTTPS";
  const headers = Object.fromEntries((action.httpHeaders ?? []).map(({ name, value }) => [name, value]));
  const options = {
    host: action.host || host,
    port: portNumber(action.port, container),
    path: action.path?.startsWith("/") ? action.path : `/${action.path ?? ""}`,
    headers: { "User-Agent": "kube-probe/1.36", Accept: "*/*", Connection: "close", ...headers },
    agent: false as const,
    signal,
  };
  const address = `${isSecure ? "https" : "http"}://${options.host}:${options.port}${options.path}`;
  return new Promise((resolve) => {
    const sent = isSecure ? secureRequest({ ...options, rejectUnauthorized: false }) : request(options);
    sent.on("response", (response) => {
      response.resume();
      const code = response.statusCode ?? 0;
      const ok = code >= 200 && code < 400;
      resolve({ ok, output: ok ? "" : `HTTP probe failed with statuscode: ${code}` });
    });
    sent.on("error", (error) =>
      resolve({ ok: false, output: `Get "${address}": ${reasonOf(error, options, signal)}` }),
    );
    sent.end();
  });
}

/** In the words of Go's network library, which is what people search for. */
function reasonOf(error: Error, { host, port }: { host: string; port: number }, signal: AbortSignal): string {
  if (signal.aborted) return "context deadline exceeded (Client.Timeout exceeded while awaiting headers)";
  const { code } = error as NodeJS.ErrnoException;
  if (code === "ECONNREFUSED") return `dial tcp ${host}:${port}: connect: connection refused`;
  return code === "ECONNRESET" ? "EOF" : error.message;
}

function probeTcp(
  action: TCPSocketAction,
  { host: own, container }: ProbeTarget,
  signal: AbortSignal,
): Promise<ProbeResult> {
  const host = action.host || own;
  const port = portNumber(action.port, container);
  return new Promise((resolve) => {
    const socket = connect({ host, port, signal });
    socket.on("connect", () => {
      socket.destroy();
      resolve({ ok: true, output: "" });
    });
    socket.on("error", (error) => {
      const output = signal.aborted ? `dial tcp ${host}:${port}: i/o timeout` : reasonOf(error, { host, port }, signal);
      resolve({ ok: false, output });
    });
  });
}

/** grpc.health.v1.Health/Check by hand: one request of a few bytes does not earn a dependency in every cluster process. */
function probeGrpc(
  { port, service = "" }: GRPCAction,
  { host }: ProbeTarget,
  signal: AbortSignal,
): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const session = connectHttp2(`http://${host}:${port}`);
    const finish = (result: ProbeResult): void => {
      session.destroy();
      resolve(result);
    };
    const fail = (): void =>
      finish({ ok: false, output: `timeout: failed to connect service "${host}:${port}" within the time allowed` });
    signal.addEventListener("abort", fail, { once: true });
    session.on("error", fail);
    const stream = session.request({
      ":method": "POST",
      ":path": "/grpc.health.v1.Health/Check",
      "content-type": "application/grpc",
      te: "trailers",
    });
    const chunks: Buffer[] = [];
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("error", fail);
    stream.on("end", () => {
      const status = decodeHealth(Buffer.concat(chunks));
      finish(
        status === "SERVING"
          ? { ok: true, output: "" }
          : { ok: false, output: `service unhealthy (responded with "${status}")` },
      );
    });
    stream.end(encodeHealthRequest(service));
  });
}
