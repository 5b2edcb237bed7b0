/** The Redis server: accepts clients and keeps their number, idleness and lifetime in bounds. */
import { randomBytes } from "node:crypto";
import { createServer, type Server, type Socket } from "node:net";
import { DEFAULT_REQUEST_LIMITS, type RequestLimits } from "../resp/limits.ts";
import type { Backend } from "./backend.ts";
import { Connection } from "./connection.ts";
import type { ServerContext, ServerStats } from "./context.ts";
import type { ScanCursors } from "./cursors.ts";
import { Flusher } from "./flusher.ts";
import { Proposer } from "./proposer.ts";
import { Session } from "./session.ts";

export interface ServerOptions {
  readonly backend: Backend;
  readonly cursors: ScanCursors;
  readonly logger: ServerContext["logger"];
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Further clients are told so and disconnected; default 10 000. */
  readonly maxClients?: number;
  /** Clients silent for this long are disconnected; 0, the default, keeps them. */
  readonly idleTimeoutMs?: number;
  readonly limits?: RequestLimits;
  readonly password?: string | undefined;
}

export interface KvServer {
  readonly port: number;
  readonly stats: Readonly<ServerStats>;
  readonly clients: number;
  /** Ends every client's connection after what it has sent is answered: for when this replica is primary no more. */
  retireClients(): void;
  /** Accepts no more, lets clients finish for at most `drainMs`, then cuts them off. Idempotent. */
  stop(drainMs?: number): Promise<void>;
}

const DEFAULT_DRAIN_MS = 1000;

/** Resolves once it listens. */
export async function startServer(options: ServerOptions): Promise<KvServer> {
  const connections = new Map<Session, Connection>();
  const context = contextOf(options, connections);
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) =>
    accept(socket, options, context, connections),
  );
  await listen(server, options.host, options.port);
  Object.assign(context, { port: portOf(server) });
  let stopped: Promise<void> | undefined;
  const retireClients = (): void => {
    for (const connection of connections.values()) connection.retire();
  };
  return {
    port: portOf(server),
    stats: context.stats,
    get clients() {
      return connections.size;
    },
    retireClients,
    stop: (drainMs = DEFAULT_DRAIN_MS) => {
      stopped ??= stop(server, connections, retireClients, drainMs);
      return stopped;
    },
  };
}

function contextOf(options: ServerOptions, connections: ReadonlyMap<Session, Connection>): ServerContext {
  return {
    backend: options.backend,
    proposer: new Proposer(options.backend.log, () => options.backend.store.fill),
    flusher: new Flusher(),
    cursors: options.cursors,
    stats: { connections: 0, rejectedConnections: 0, commands: 0, bytesIn: 0, bytesOut: 0 },
    get sessions() {
      return new Set(connections.keys());
    },
    connectionOf: (session) => connections.get(session),
    logger: options.logger,
    startedAt: Date.now(),
    runId: randomBytes(20).toString("hex"),
    port: options.port,
    maxClients: options.maxClients ?? 10_000,
    password: options.password,
  };
}

function accept(
  socket: Socket,
  { limits = DEFAULT_REQUEST_LIMITS, idleTimeoutMs = 0 }: ServerOptions,
  context: ServerContext,
  connections: Map<Session, Connection>,
): void {
  socket.on("error", () => socket.destroy());
  context.stats.connections++;
  if (connections.size >= context.maxClients) {
    context.stats.rejectedConnections++;
    socket.end("-ERR max number of clients reached\r\n");
    return;
  }
  const addresses = [
    `${socket.remoteAddress}:${socket.remotePort}`,
    `${socket.localAddress}:${socket.localPort}`,
  ] as const;
  const session = new Session(context.stats.connections, addresses, context);
  connections.set(session, new Connection(socket, session, limits));
  socket.on("close", () => connections.delete(session));
  socket.setKeepAlive(true, 60_000);
  socket.setTimeout(idleTimeoutMs, () => socket.destroy());
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port, backlog: 511 }, resolve);
  });
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === "object" && address ? address.port : 0;
}

async function stop(
  server: Server,
  connections: ReadonlyMap<Session, Connection>,
  retireClients: () => void,
  drainMs: number,
): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  retireClients();
  const cut = setTimeout(() => {
    for (const connection of connections.values()) connection.destroy();
  }, drainMs);
  await closed;
  clearTimeout(cut);
}
