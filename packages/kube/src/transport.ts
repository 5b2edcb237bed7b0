import type { IncomingMessage } from "node:http";
import { Agent as HttpAgent, request as httpRequest, type RequestOptions } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { KubeConnection, TlsSettings } from "./config/types.ts";
import { type Deadline, deadline } from "./deadline.ts";
import { errorFromConnection, errorFromStatus, KubeError } from "./errors.ts";

export interface WireRequest {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs: number;
}

/** An answer that is still coming in. Whoever holds it reads it to the end or cuts it. */
export interface OpenAnswer {
  readonly chunks: AsyncIterable<Uint8Array>;
  cut(reason: KubeError): void;
}

/** Bytes over one keep-alive pool. Every failure is a `KubeError`; answers above 299 are. */
export interface Transport {
  /** Resolves with the whole body. */
  exchange(request: WireRequest): Promise<Buffer>;
  /** Resolves as soon as the server accepts; the deadline ends there, the signal does not. */
  open(request: WireRequest): Promise<OpenAnswer>;
  close(): void;
}

/** A list page of large objects fits many times; what is longer is refused rather than buffered. */
const maxBodyBytes = 64 * 1024 * 1024;
const maxConnections = 64;

export function createTransport(connection: KubeConnection, userAgent: string): Transport {
  return new HttpTransport(connection, userAgent);
}

class HttpTransport implements Transport {
  readonly #connection: KubeConnection;
  readonly #base: URL;
  readonly #agent: HttpAgent;
  readonly #userAgent: string;

  constructor(connection: KubeConnection, userAgent: string) {
    this.#connection = connection;
    this.#base = parseServer(connection.server);
    this.#userAgent = userAgent;
    const pool = { keepAlive: true, maxSockets: maxConnections, maxFreeSockets: 4 };
    const isTls = this.#base.protocol === "https:";
    this.#agent = isTls ? new HttpsAgent({ ...pool, ...tlsOptions(connection.tls) }) : new HttpAgent(pool);
  }

  async exchange(request: WireRequest): Promise<Buffer> {
    const limit = this.#limit(request);
    try {
      return await readAll(await this.#accepted(request, limit));
    } catch (error) {
      throw explain(request, limit, error);
    } finally {
      limit.clear();
    }
  }

  async open(request: WireRequest): Promise<OpenAnswer> {
    const limit = this.#limit(request);
    try {
      const message = await this.#accepted(request, limit);
      limit.lift();
      return openAnswer(message, request, limit);
    } catch (error) {
      limit.clear();
      throw explain(request, limit, error);
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  #limit(request: WireRequest): Deadline {
    return deadline({ what: describe(request), timeoutMs: request.timeoutMs, signal: request.signal });
  }

  async #accepted(request: WireRequest, limit: Deadline): Promise<IncomingMessage> {
    const message = await this.#send(request, limit.signal);
    const status = message.statusCode ?? 0;
    if (status >= 200 && status < 300) return message;
    if (status === 401) this.#connection.credentials.refresh();
    const retryAfter = Number(message.headers["retry-after"]);
    const body = parseIfJson((await readAll(message)).toString());
    throw errorFromStatus(describe(request), body, status, Number.isFinite(retryAfter) ? retryAfter : undefined);
  }

  /** A pooled connection that the server has just closed fails at once; a read may simply be sent again. */
  async #send(request: WireRequest, signal: AbortSignal): Promise<IncomingMessage> {
    const options = await this.#options(request);
    const first = await sendOnce(options, request.body, signal);
    if (first.message) return first.message;
    if (!first.wasStale || request.method !== "GET" || signal.aborted) throw first.error;
    const second = await sendOnce(
      { ...options, agent: false, ...tlsOptions(this.#connection.tls) },
      request.body,
      signal,
    );
    if (second.message) return second.message;
    throw second.error;
  }

  async #options(request: WireRequest): Promise<RequestOptions> {
    const authorization = await this.#connection.credentials.authorization();
    return {
      protocol: this.#base.protocol,
      host: this.#base.hostname.replace(/^\[|\]$/g, ""),
      port: this.#base.port,
      method: request.method,
      path: this.#base.pathname.replace(/\/$/, "") + request.path,
      agent: this.#agent,
      headers: {
        accept: "application/json",
        "user-agent": this.#userAgent,
        ...(authorization !== undefined && { authorization }),
        ...(request.body !== undefined && { "content-length": Buffer.byteLength(request.body) }),
        ...request.headers,
      },
    };
  }
}

interface Sent {
  readonly message?: IncomingMessage;
  readonly error?: unknown;
  readonly wasStale: boolean;
}

/**
 * Aborting is done by hand: with node's own `signal` option an abort that meets an answer which has arrived but is not yet read ends as an
 * uncaught error.
 */
function sendOnce(options: RequestOptions, body: string | Uint8Array | undefined, signal: AbortSignal): Promise<Sent> {
  return new Promise((resolve) => {
    const send = options.protocol === "https:" ? httpsRequest : httpRequest;
    let abort = () => void request.destroy(signal.reason);
    const onAbort = () => abort();
    const request = send(options, (message) => {
      // Whoever reads the body learns of its errors; one that comes while nobody reads must not end the process.
      message.on("error", () => undefined);
      abort = () => void message.destroy(signal.reason);
      resolve({ message, wasStale: false });
    });
    request.on("error", (error: NodeJS.ErrnoException) =>
      resolve({ error, wasStale: request.reusedSocket && error.code === "ECONNRESET" }),
    );
    request.on("close", () => signal.removeEventListener("abort", onAbort));
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) abort();
    request.end(body);
  });
}

function openAnswer(message: IncomingMessage, request: WireRequest, limit: Deadline): OpenAnswer {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    try {
      yield* message;
    } catch (error) {
      throw explain(request, limit, error);
    } finally {
      limit.clear();
      message.destroy();
    }
  }
  return { chunks: chunks(), cut: (reason) => void message.destroy(reason) };
}

async function readAll(message: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  let sizeBytes = 0;
  for await (const part of message as AsyncIterable<Buffer>) {
    sizeBytes += part.length;
    if (sizeBytes > maxBodyBytes) throw new KubeError("protocol", `the answer is longer than ${maxBodyBytes} bytes`);
    parts.push(part);
  }
  return parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts);
}

/** Why the exchange really failed: an aborted request otherwise looks like a reset connection. */
function explain(request: WireRequest, limit: Deadline, error: unknown): KubeError {
  if (limit.signal.aborted) return limit.signal.reason as KubeError;
  return errorFromConnection(describe(request), error);
}

const describe = ({ method, path }: WireRequest): string => `${method} ${path.split("?", 1)[0]}`;

function parseServer(server: string): URL {
  const url = URL.canParse(server) ? new URL(server) : undefined;
  if (url?.protocol === "https:" || url?.protocol === "http:") return url;
  throw new KubeError("config", `"${server}" is not the address of an API server; it looks like https://host:port`);
}

const tlsOptions = ({ ca, cert, key, serverName, insecureSkipVerify }: TlsSettings) => ({
  ...(ca !== undefined && { ca }),
  ...(cert !== undefined && { cert }),
  ...(key !== undefined && { key }),
  ...(serverName !== undefined && { servername: serverName }),
  rejectUnauthorized: insecureSkipVerify !== true,
});

export function parseIfJson(text: string): unknown {
  try {
    return text === "" ? undefined : JSON.parse(text);
  } catch {
    return text;
  }
}
