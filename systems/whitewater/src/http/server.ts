/** One listener for clients, probes and peers. Peers switch protocols on it, so that the seed's single port carries everything. */
import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import type { Logger } from "@coracle/pod";
import { messageOf, WhitewaterError } from "../errors.ts";
import { answerOf, failure, write } from "./answer.ts";
import { readBody } from "./call.ts";
import type { HttpContext } from "./context.ts";
import { findRoute, RAFT_PATH, type Route } from "./routes.ts";
import { followTls, readTls, type TlsFiles } from "./tls.ts";

export interface HttpLimits {
  readonly maxConnections: number;
  /** Requests under way at a time; watches count. */
  readonly maxRequests: number;
  readonly maxBodyBytes: number;
  readonly requestMs: number;
}

export interface HttpOptions {
  readonly host: string | undefined;
  readonly port: number;
  readonly tls: TlsFiles | undefined;
  readonly limits: HttpLimits;
  readonly context: HttpContext;
  readonly logger: Logger;
}

export interface HttpServer {
  readonly port: number;
  /** Requests under way. */
  requests(): number;
  stop(): Promise<void>;
}

/** The protocol that members switch to. */
export const RAFT_PROTOCOL = "whitewater-raft";
/** Time to send a request's head: a client that is slower than this holds the connection for nothing. */
const HEADERS_MS = 10_000;
const MAX_HEAD_BYTES = 16_384;
/** Paths of packages/pod's health. */
const HEALTH = /^\/(healthz\/|metrics$)/;

/** Rejects with `listen` when the address is taken. */
export async function serveHttp(options: HttpOptions): Promise<HttpServer> {
  const listener = new Listener(options);
  await listener.listen();
  return listener;
}

class Listener implements HttpServer {
  readonly #options: HttpOptions;
  readonly #server: Server;
  /** Members' connections: the server has let go of them. */
  readonly #upgraded = new Set<Duplex>();
  readonly #running = new Set<AbortController>();
  #isStopping = false;
  #unfollow = (): void => undefined;

  constructor(options: HttpOptions) {
    this.#options = options;
    const { tls, limits } = options;
    const http = {
      requestTimeout: limits.requestMs + HEADERS_MS,
      headersTimeout: HEADERS_MS,
      maxHeaderSize: MAX_HEAD_BYTES,
    };
    this.#server = tls ? this.#secured(tls, http) : createServer(http);
    this.#server.maxConnections = limits.maxConnections;
    this.#server.on("request", (request, response) => void this.#handle(request, response));
    this.#server.on("upgrade", (request, socket, head) => this.#upgrade(request, socket, head));
    this.#server.on("clientError", refuseBroken);
  }

  /** Clients need no certificate; the paths of peers look whether there is one. */
  #secured(tls: TlsFiles, http: ServerOptions): Server {
    const server = createTlsServer({ ...http, ...readTls(tls), requestCert: true, rejectUnauthorized: false });
    this.#unfollow = followTls(tls, (renewed) => server.setSecureContext(renewed));
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo | null)?.port ?? 0;
  }

  requests(): number {
    return this.#running.size;
  }

  listen(): Promise<void> {
    const { host, port } = this.#options;
    return new Promise((resolve, reject) => {
      this.#server.once("error", (cause) =>
        reject(new WhitewaterError("listen", `Port ${port} can't be listened on: ${messageOf(cause)}`, { cause })),
      );
      this.#server.listen({ port, ...(host !== undefined && { host }) }, resolve);
    });
  }

  async stop(): Promise<void> {
    if (this.#isStopping) return;
    this.#isStopping = true;
    this.#unfollow();
    for (const call of this.#running) call.abort();
    for (const socket of this.#upgraded) socket.destroy();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeIdleConnections();
      // What is under way has its own deadline, but a stopping pod does not wait for it.
      setImmediate(() => this.#server.closeAllConnections());
    });
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path = ""] = (request.url ?? "/").split("?", 1);
    const { context, limits, logger } = this.#options;
    if (HEALTH.test(path)) return context.health.handle(request, response);
    const found = findRoute(request.method ?? "", path);
    if (!("route" in found)) return this.#refuse(request, response, found);
    if (this.#running.size >= limits.maxRequests) return this.#refuse(request, response, tooMany(limits.maxRequests));
    const over = new AbortController();
    this.#running.add(over);
    const end = (): void => over.abort();
    response.once("close", end);
    const timer = found.route.isEndless ? undefined : setTimeout(end, limits.requestMs);
    try {
      await this.#run(found.route, found.rest, request, response, over.signal);
    } catch (error) {
      logger.warn("an answer could not be written", { path, error });
      response.destroy();
    } finally {
      clearTimeout(timer);
      this.#running.delete(over);
    }
  }

  async #run(
    route: Route,
    rest: string,
    request: IncomingMessage,
    response: ServerResponse,
    signal: AbortSignal,
  ): Promise<void> {
    const { context, limits } = this.#options;
    const url = new URL(request.url ?? "/", "http://localhost");
    const call = {
      method: request.method ?? "",
      path: url.pathname + url.search,
      rest,
      query: url.searchParams,
      headers: request.headers,
      isPeer: this.#isPeer(request.socket),
      signal,
      body: () => readBody(request, limits.maxBodyBytes),
    };
    const run = async () => {
      if (route.isForPeers && !call.isPeer) return notAPeer();
      return route.run(context, call);
    };
    await write(response, await run().catch(answerOf));
    // A body that nobody read would be taken for the next request.
    if (!request.readableEnded) request.resume();
  }

  #refuse(request: IncomingMessage, response: ServerResponse, answer: ReturnType<typeof failure>): Promise<void> {
    request.resume();
    return write(response, answer);
  }

  #isPeer(socket: Socket | Duplex): boolean {
    return this.#options.tls === undefined || (socket as TLSSocket).authorized === true;
  }

  /** A member that wants to speak Raft. What it says is checked by the handshake that follows: protocol, cluster, id. */
  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const member = this.#options.context.member();
    const refusal =
      request.url !== RAFT_PATH || request.headers.upgrade !== RAFT_PROTOCOL
        ? "404 Not Found"
        : !this.#isPeer(socket)
          ? "403 Forbidden"
          : member === undefined || this.#isStopping
            ? "503 Service Unavailable"
            : undefined;
    socket.on("error", () => socket.destroy());
    if (refusal !== undefined || !member) return void socket.end(`HTTP/1.1 ${refusal}\r\nconnection: close\r\n\r\n`);
    this.#upgraded.add(socket);
    socket.once("close", () => this.#upgraded.delete(socket));
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: ${RAFT_PROTOCOL}\r\n\r\n`);
    member.raft.accept(socket, head);
  }
}

/** For a client to read why its connection ends: closed with bytes of it unread, the connection would be reset, and the answer lost. */
const LINGER_MS = 1000;

/** What can't be parsed gets an answer by hand, and its connection ends. */
function refuseBroken({ code }: NodeJS.ErrnoException, socket: Duplex): void {
  if (code === "ECONNRESET" || code === "ERR_HTTP_REQUEST_TIMEOUT") return void socket.destroy();
  if (!socket.writable) return;
  const [status, error] =
    code === "HPE_HEADER_OVERFLOW"
      ? [
          "431 Request Header Fields Too Large",
          { code: "too-large", message: `Path and headers may have ${MAX_HEAD_BYTES} bytes.` },
        ]
      : ["400 Bad Request", { code: "bad-request", message: "This is no HTTP request." }];
  const body = JSON.stringify({ error });
  const head = `HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${body.length}`;
  socket.end(`${head}\r\n\r\n${body}`);
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
}

const tooMany = (limit: number) =>
  failure(429, "overloaded", `${limit} requests are under way already.`, { "retry-after": "1" });

const notAPeer = () =>
  failure(403, "forbidden", "This path is for members: it takes a certificate of the cluster's CA.");
