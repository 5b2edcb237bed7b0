/** One process's end of the mesh: listens, keeps a connection dialled to each peer, and sends over whichever is open. */
import { createServer, type Server } from "node:net";
import type { Duplex } from "node:stream";
import { createServer as createTlsServer, type Server as TlsServer } from "node:tls";
import type { Connection } from "./connection.ts";
import { Dialer } from "./dialer.ts";
import { WireError } from "./errors.ts";
import { isPeerId } from "./hello.ts";
import { DEFAULT_LIMITS, type WireLimits, type WireOptions, type WirePeer } from "./options.ts";
import { runSession, type SessionContext } from "./session.ts";
import { readTls, tlsVersion } from "./tls.ts";
import { sendAtEndOfTurn } from "./turn.ts";

export interface WireEndpoint {
  /** The port listened on; 0 before `start`. */
  readonly port: number;
  /** Resolves once listening; rejects when the address is taken. */
  start(): Promise<void>;
  /** Closes everything. Idempotent. */
  stop(): Promise<void>;
  /** The peers to keep connections to; others' connections are kept when they came from them. */
  setPeers(peers: readonly WirePeer[]): void;
  /** A connection that a peer made to a listener of somebody else's, with what was read of it already. */
  accept(socket: Duplex, head?: Uint8Array): void;
  isConnected(peer: string): boolean;
  /** One-way, ordered; false when there is no connection or its buffer is full: then nothing was sent. `true` does not mean that it arrived. */
  send(peer: string, ...parts: Uint8Array[]): boolean;
  /** See WireError for what it rejects with. Default timeout 5 s. */
  request(peer: string, method: string, payload: Uint8Array, options?: RequestOptions): Promise<Buffer>;
  /** Resolves when the peer's handler has taken everything. */
  stream(peer: string, header: Uint8Array, chunks: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<void>;
}

export interface RequestOptions {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export function createEndpoint(options: WireOptions): WireEndpoint {
  if (!isPeerId(options.id)) throw new WireError("protocol", `"${options.id}" is not a name for a peer`);
  return new Endpoint(options);
}

class Endpoint implements WireEndpoint {
  readonly #options: WireOptions;
  readonly #limits: WireLimits;
  readonly #dialers = new Map<string, Dialer>();
  /** Open connections per peer, the dialled one first: it is preferred for sending, so that order is kept. */
  readonly #connections = new Map<string, Connection[]>();
  readonly #sockets = new Set<Duplex>();
  #server: Server | TlsServer | undefined;
  #tlsTimer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(options: WireOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
  }

  get port(): number {
    const address = this.#server?.address();
    return typeof address === "object" && address ? address.port : 0;
  }

  async start(): Promise<void> {
    if (this.#server || this.#isStopped || this.#options.listen === false) return;
    const server = this.#createServer();
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(this.#options.port ?? 0, this.#options.host, () => {
        server.off("error", reject);
        resolve();
      });
    });
    server.on("error", () => {}); // An accept that failed (no descriptors left) concerns that connection alone.
  }

  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    clearInterval(this.#tlsTimer);
    for (const dialer of this.#dialers.values()) dialer.stop();
    const reason = new WireError("closed", "this endpoint was stopped");
    for (const connection of [...this.#connections.values()].flat()) connection.close(reason);
    for (const socket of this.#sockets) socket.destroy();
    const server = this.#server;
    if (server?.listening) await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  setPeers(peers: readonly WirePeer[]): void {
    if (this.#isStopped) return;
    const wanted = new Map(peers.filter((peer) => peer.id !== this.#options.id).map((peer) => [peer.id, peer]));
    for (const [id, dialer] of this.#dialers) {
      if (wanted.has(id)) continue;
      dialer.stop();
      this.#dialers.delete(id);
    }
    for (const [id, peer] of wanted) {
      const dialer = this.#dialers.get(id);
      if (dialer) dialer.move(peer);
      else this.#dialers.set(id, new Dialer(peer, this.#context(true, id), this.#options));
    }
  }

  accept(socket: Duplex, head?: Uint8Array): void {
    if (this.#isStopped || this.#sockets.size >= this.#limits.maxConnections) {
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    runSession(socket, this.#context(false), undefined, head);
  }

  isConnected(peer: string): boolean {
    return this.#connections.has(peer);
  }

  send(peer: string, ...parts: Uint8Array[]): boolean {
    return this.#connections.get(peer)?.[0]?.send(parts) ?? false;
  }

  async request(peer: string, method: string, payload: Uint8Array, options: RequestOptions = {}): Promise<Buffer> {
    return this.#connection(peer).request(method, payload, options.timeoutMs ?? 5000, options.signal);
  }

  async stream(
    peer: string,
    header: Uint8Array,
    chunks: AsyncIterable<Uint8Array>,
    signal?: AbortSignal,
  ): Promise<void> {
    return this.#connection(peer).stream(header, chunks, signal);
  }

  #connection(peer: string): Connection {
    const connection = this.#connections.get(peer)?.[0];
    if (!connection) throw new WireError("unreachable", `there is no connection to ${peer}`);
    return connection;
  }

  #createServer(): Server | TlsServer {
    const { tls } = this.#options;
    const accept = (socket: Duplex) => this.accept(socket);
    if (!tls) return createServer(accept);
    let version = tlsVersion(tls);
    const server = createTlsServer({ ...readTls(tls), requestCert: true, rejectUnauthorized: true }, accept);
    const reload = () => {
      try {
        const current = tlsVersion(tls);
        if (current === version) return;
        server.setSecureContext(readTls(tls));
        version = current;
      } catch {
        // Files half replaced: the old certificate stays until the next look.
      }
    };
    this.#tlsTimer = setInterval(reload, 5000);
    this.#tlsTimer.unref();
    return server;
  }

  #context(isDialled: boolean, dialledPeer?: string): SessionContext {
    const { protocol, cluster, id, handlers, flush } = this.#options;
    return {
      own: { protocol, cluster, id },
      limits: this.#limits,
      handlers,
      flushLater: flush === "turn" ? sendAtEndOfTurn : process.nextTick,
      opened: (connection) => this.#opened(connection, isDialled),
      closed: (reason, connection) => this.#closed(reason, connection, dialledPeer),
    };
  }

  #opened(connection: Connection, isDialled: boolean): void {
    const open = this.#connections.get(connection.peer) ?? [];
    if (isDialled) open.unshift(connection);
    else open.push(connection);
    this.#connections.set(connection.peer, open);
    // Told at each new connection, since what was sent over an older one may be lost.
    this.#options.handlers.up?.(connection.peer);
  }

  #closed(reason: Error, connection: Connection | undefined, dialledPeer: string | undefined): void {
    const peer = connection?.peer ?? dialledPeer;
    if (this.#isStopped || peer === undefined) return;
    const open = (this.#connections.get(peer) ?? []).filter((other) => other !== connection);
    if (open.length > 0) this.#connections.set(peer, open);
    else {
      this.#connections.delete(peer);
      this.#options.handlers.down?.(peer, reason);
    }
  }
}
