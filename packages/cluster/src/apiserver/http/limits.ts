/** What a client may take of the server, and how it is told that it took too much. */
import type { ServerOptions } from "node:https";
import type { Duplex } from "node:stream";

/** All in milliseconds but for the counts. */
export interface ConnectionLimits {
  readonly handshakeTimeoutMs: number;
  /** From the first byte of a request to the end of its head. */
  readonly headTimeoutMs: number;
  /** To the end of its body; the answer (a watch, a log) may take as long as it likes. */
  readonly requestTimeoutMs: number;
  /** How often the two above are looked at. */
  readonly checkEveryMs: number;
  /** Longer than Go's clients keep idle connections (90 s), so that it is they who close. */
  readonly keepAliveTimeoutMs: number;
  readonly headBytes: number;
  /** Further connections are closed as they come. */
  readonly connections: number;
}

/** The times are kube-apiserver's; the head has room for a token and a long list of impersonated groups. */
export const defaultLimits: ConnectionLimits = {
  handshakeTimeoutMs: 10_000,
  headTimeoutMs: 32_000,
  requestTimeoutMs: 60_000,
  checkEveryMs: 5_000,
  keepAliveTimeoutMs: 120_000,
  headBytes: 64 * 1024,
  connections: 20_000,
};

export const serverOptions = (limits: ConnectionLimits): ServerOptions => ({
  handshakeTimeout: limits.handshakeTimeoutMs,
  headersTimeout: limits.headTimeoutMs,
  requestTimeout: limits.requestTimeoutMs,
  connectionsCheckingInterval: limits.checkEveryMs,
  keepAliveTimeout: limits.keepAliveTimeoutMs,
  maxHeaderSize: limits.headBytes,
});

/** Errors of the HTTP parser with an answer of their own. */
const answers: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: "431 Request Header Fields Too Large",
  ERR_HTTP_REQUEST_TIMEOUT: "408 Request Timeout",
};

/** Ends a connection that does not speak HTTP, or not fast enough, saying why where it may listen. */
export function refuseConnection(error: NodeJS.ErrnoException, socket: Duplex): void {
  // It has been told already, and goes on sending.
  if (socket.writableEnded && error.code !== "ECONNRESET") return;
  if (error.code === "ECONNRESET" || !socket.writable) return void socket.destroy();
  const status = answers[error.code ?? ""] ?? "400 Bad Request";
  const text = `${status}\n`;
  const head = `HTTP/1.1 ${status}\r\nContent-Type: text/plain\r\nContent-Length: ${text.length}\r\nConnection: close\r\n\r\n`;
  socket.end(head + text);
  // To close while bytes of the client wait unread would reset the connection, and the answer with it.
  socket.resume();
  const linger = setTimeout(() => socket.destroy(), lingerMs);
  socket.once("close", () => clearTimeout(linger));
}

const lingerMs = 500;
