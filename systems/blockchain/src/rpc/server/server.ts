/** JSON-RPC over HTTP. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Logger } from "@coracle/pod";
import { messageOf } from "../../errors.ts";
import type { RpcAccess } from "./access.ts";
import { answer, type Invoke } from "./protocol.ts";

/** A block of four million bytes in hexadecimal, and what is around it. */
const MOST_BODY_BYTES = 10 * 1024 * 1024;
const MOST_CONNECTIONS = 128;
/** Calls that run at once; more wait for their turn in their connections' buffers, or are refused. */
const MOST_CALLS = 64;
const STOP_GRACE_MS = 2000;

export interface RpcServer {
  readonly port: number;
  /** Idempotent. */
  stop(): Promise<void>;
}

export interface RpcServerOptions {
  readonly host: string;
  /** 0 chooses a free one. */
  readonly port: number;
  readonly access: RpcAccess;
  readonly invoke: Invoke;
  readonly logger: Logger;
}

export async function startRpcServer(options: RpcServerOptions): Promise<RpcServer> {
  const stopping = new AbortController();
  const calls = { running: 0 };
  const server = createServer({ requestTimeout: 60_000, headersTimeout: 10_000, keepAliveTimeout: 30_000 });
  server.maxConnections = MOST_CONNECTIONS;
  server.on("request", (request, response) => {
    serve(request, response, options, calls, stopping.signal).catch((error: unknown) => {
      options.logger.warn("a call could not be answered", { reason: messageOf(error) });
      response.destroy();
    });
  });
  server.listen({ host: options.host, port: options.port });
  await once(server, "listening");
  const address = server.address();
  let stopped: Promise<void> | undefined;
  return {
    port: typeof address === "object" && address !== null ? address.port : options.port,
    stop() {
      stopped ??= stopServer(server, stopping);
      return stopped;
    },
  };
}

async function stopServer(server: Server, stopping: AbortController): Promise<void> {
  stopping.abort();
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), STOP_GRACE_MS);
  await closed;
  clearTimeout(timer);
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  { access, invoke }: RpcServerOptions,
  calls: { running: number },
  stopping: AbortSignal,
): Promise<void> {
  if (request.method !== "POST") return end(response, 405, "JSONRPC server handles only POST requests\n");
  if (!access.isAllowed(request.headers.authorization)) {
    response.setHeader("WWW-Authenticate", 'Basic realm="jsonrpc"');
    return end(response, 401, "");
  }
  const wallet = walletOf(request.url ?? "/");
  if (wallet === undefined) return end(response, 404, "");
  const body = await readBody(request);
  if (body === undefined) {
    // What is left of it is not read: nothing else can follow on this connection.
    response.setHeader("connection", "close");
    return end(response, 413, `Requests have at most ${MOST_BODY_BYTES} bytes\n`);
  }
  if (calls.running >= MOST_CALLS) return end(response, 503, "Work queue depth exceeded\n");
  const hungUp = new AbortController();
  response.on("close", () => hungUp.abort());
  calls.running++;
  try {
    const signal = AbortSignal.any([stopping, hungUp.signal]);
    const { status, text } = await answer(body, invoke, { signal, wallet: wallet || undefined });
    end(response, status, text);
  } finally {
    calls.running--;
  }
}

/** Empty for `/`; undefined for a path that is neither that nor a wallet's. */
function walletOf(url: string): string | undefined {
  const [path] = url.split("?", 1);
  if (path === "/") return "";
  const [, encoded] = /^\/wallet\/([^/]*)\/?$/.exec(path ?? "") ?? [];
  try {
    return encoded === undefined ? undefined : decodeURIComponent(encoded);
  } catch {
    return undefined;
  }
}

/** Undefined when it is too long. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  if (Number(request.headers["content-length"] ?? 0) > MOST_BODY_BYTES) return undefined;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MOST_BODY_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function end(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(text) });
  response.end(text);
}
