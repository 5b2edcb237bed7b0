/** What the HTTP servers among our programs share: listening, ending on a signal, and the access log's lines. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { reasonOf } from "./dial.ts";

export type Handler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

export interface Serving {
  readonly ports: readonly number[];
  readonly handle: Handler;
  /** Called once all ports are open. */
  readonly onListening?: () => void;
  /** What to print when a port can't be had. */
  readonly onRefused: (port: number, reason: string) => void;
}

/** Resolves with the exit code: 0 after TERM, QUIT or INT, once what is under way has been answered; 1 when a port can't be had. */
export async function serve({ ports, handle, onListening, onRefused }: Serving): Promise<number> {
  const servers = ports.map(() => createServer((request, response) => void handle(request, response)));
  try {
    for (const [index, server] of servers.entries()) await listen(server, ports[index] ?? 0);
  } catch (error) {
    onRefused((error as { port?: number }).port ?? ports[0] ?? 0, reasonOf(error));
    for (const server of servers) server.close();
    return 1;
  }
  onListening?.();
  await new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGQUIT", "SIGINT"] as const) process.once(signal, resolve);
  });
  await Promise.all(servers.map(end));
  return 0;
}

type Server = ReturnType<typeof createServer>;

const listen = (server: Server, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, () => resolve());
  });

const drainMs = 2_000;

function end(server: Server): Promise<void> {
  const limit = setTimeout(() => server.closeAllConnections(), drainMs);
  server.closeIdleConnections();
  return new Promise((resolve) =>
    server.close(() => {
      clearTimeout(limit);
      resolve();
    }),
  );
}

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** `20/Nov/2026:10:42:47 +0000`. */
export const logTime = (at: Date): string =>
  `${String(at.getUTCDate()).padStart(2, "0")}/${months[at.getUTCMonth()]}/${at.toISOString().replace(/^(\d+)-.*T([\d:]+).*$/, "$1:$2")} +0000`;

/** A line in the common log format, which Apache writes; nginx appends the referrer and the agent. */
export function commonLog(
  { socket, method, url, httpVersion }: IncomingMessage,
  status: number,
  sizeBytes: number,
): string {
  const peer = (socket.remoteAddress ?? "-").replace(/^::ffff:/, "");
  return `${peer} - - [${logTime(new Date())}] "${method} ${url} HTTP/${httpVersion}" ${status} ${sizeBytes || "-"}`;
}
