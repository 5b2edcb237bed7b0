/** The server that etcd's clients speak to. */
import { createServer, type Server, type Socket } from "node:net";
import {
  createSecureContext,
  createServer as createTlsServer,
  type SecureContextOptions,
  type TlsOptions,
} from "node:tls";
import type { Member } from "@coracle/raft";
import { WhitewaterError } from "../errors.ts";
import type { Kv } from "../kv/types.ts";
import { type EtcdContext, type EtcdRaft, idOf } from "./context.ts";
import { dispatch, type Methods } from "./grpc.ts";
import { Connection } from "./http2/connection.ts";
import { defaultLimits, type Http2Limits } from "./http2/limits.ts";
import { authMethods } from "./services/auth.ts";
import { clusterMethods } from "./services/cluster.ts";
import { healthMethods } from "./services/health.ts";
import { kvMethods } from "./services/kv.ts";
import { leaseMethods } from "./services/lease.ts";
import { maintenanceMethods } from "./services/maintenance.ts";
import { watchMethods } from "./services/watch.ts";

export interface ServeEtcdOptions {
  readonly kv: Kv;
  readonly raft: EtcdRaft;
  readonly host: string;
  /** 0: any. */
  readonly port: number;
  /** Where a member's clients reach it. Default: port 2379 at its host. */
  readonly clientUrls?: (member: Member) => readonly string[];
  /** Certificate and key; with `ca`, clients must show a certificate of it. */
  readonly tls?: SecureContextOptions | undefined;
  /** Default 1.5 MiB; messages may be 512 KiB larger. */
  readonly maxRequestBytes?: number;
  /** Default 10,000; more are closed at once. */
  readonly maxConnections?: number;
  /** Watches of all clients together, each of which costs some 2.5 KB. Default 100,000; more are refused. */
  readonly maxWatches?: number;
  readonly limits?: Partial<Http2Limits>;
  /** Default 10 minutes, as etcd's. */
  readonly progressIntervalMs?: number;
  /** After which a stream whose client asked for a leader is told that there is none. Default 3 s, three elections. */
  readonly leaderlessMs?: number;
  /** Told what should not happen: a defect of ours, answered as an internal error. */
  readonly onFault?: (error: unknown) => void;
}

export interface EtcdServer {
  readonly port: number;
  connections(): number;
  /** New TLS files for connections from now on. */
  setTls(tls: SecureContextOptions): void;
  /** Takes no more calls, lets those under way finish for `graceMs`, cuts the rest. Idempotent. */
  stop(graceMs?: number): Promise<void>;
}

const overheadBytes = 512 * 1024;

export async function serveEtcd(options: ServeEtcdOptions): Promise<EtcdServer> {
  const { maxRequestBytes = 1.5 * 1024 * 1024, maxConnections = 10_000, onFault = () => {} } = options;
  const limits = { ...defaultLimits, maxMessageBytes: maxRequestBytes + overheadBytes, ...options.limits };
  const { context, release } = contextOf(options, maxRequestBytes, onFault);
  const open = dispatch(methodsOf(context), onFault);
  const connections = new Set<Connection>();

  const accept = (socket: Socket): void => {
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 30_000);
    const connection = new Connection(socket, limits, open);
    connections.add(connection);
    socket.once("close", () => connections.delete(connection));
  };
  const { tls } = options;
  const secured =
    tls === undefined
      ? undefined
      : createTlsServer({ ...tlsOptions(tls, limits.greetingMs), ALPNProtocols: ["h2"] }, accept);
  const server: Server = secured ?? createServer(accept);
  server.maxConnections = maxConnections;
  secured?.on("tlsClientError", (_error, socket) => socket.destroy());
  await listening(server, options);
  const address = server.address();

  let stopping: Promise<void> | undefined;
  return {
    port: typeof address === "object" && address !== null ? address.port : options.port,
    connections: () => connections.size,
    setTls: (renewed) => secured?.setSecureContext(tlsOptions(renewed, limits.greetingMs)),
    stop(graceMs = 1000) {
      stopping ??= stop(server, connections, graceMs).finally(release);
      return stopping;
    },
  };
}

async function stop(server: Server, connections: ReadonlySet<Connection>, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  for (const connection of connections) connection.drain();
  const cut = setTimeout(() => {
    for (const connection of connections) connection.destroy();
  }, graceMs);
  await closed;
  clearTimeout(cut);
}

function listening(server: Server, { host, port }: ServeEtcdOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause) =>
      reject(new WhitewaterError("listen", `cannot listen for etcd's clients on ${host}:${port}`, { cause })),
    );
    server.listen(port, host, () => resolve());
  });
}

/** Throws at once when the files do not fit together, rather than at the first client. */
function tlsOptions(files: SecureContextOptions, handshakeTimeout: number): TlsOptions {
  createSecureContext(files);
  const asksClients = files.ca !== undefined;
  return { ...files, requestCert: asksClients, rejectUnauthorized: asksClients, handshakeTimeout };
}

const methodsOf = (context: EtcdContext): Methods =>
  new Map(
    [kvMethods, watchMethods, leaseMethods, clusterMethods, maintenanceMethods, authMethods, healthMethods].flatMap(
      (service) => service(context),
    ),
  );

function contextOf(options: ServeEtcdOptions, maxRequestBytes: number, onFault: (error: unknown) => void) {
  const { kv, raft, clientUrls = defaultClientUrls, maxWatches = 100_000 } = options;
  const { progressIntervalMs = 600_000, leaderlessMs = 3000 } = options;
  const { id, clusterId, term } = raft.status();
  let raftTerm = term;
  const release = raft.subscribe((status) => {
    raftTerm = status.term;
  });
  const memberId = idOf(id);
  const cluster = idOf(clusterId);
  const header: EtcdContext["header"] = (revision = kv.status().revision) => ({
    clusterId: cluster,
    memberId,
    revision,
    raftTerm,
  });
  const context: EtcdContext = {
    kv,
    raft,
    header,
    clientUrls,
    maxRequestBytes,
    maxWatches,
    progressIntervalMs,
    leaderlessMs,
    onFault,
  };
  return { context, release };
}

const defaultClientUrls = ({ address }: Member): string[] => [
  `http://${address.slice(0, address.lastIndexOf(":"))}:2379`,
];
