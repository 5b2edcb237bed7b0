/** What an endpoint is told, and the bounds it keeps. */
import type { Duplex } from "node:stream";

/** Files of mutual TLS, PEM; read again for each connection, so that renewed certificates are picked up without a restart. */
export interface WireTls {
  readonly certFile: string;
  readonly keyFile: string;
  /** Whoever presents a certificate of this CA may connect; names in certificates are not compared, as pods' addresses change. */
  readonly caFile: string;
}

export interface WireLimits {
  /** Longest frame, either way; default 32 MiB. A longer one closes the connection. */
  readonly maxFrameBytes: number;
  /** Bytes waiting in one connection's socket; `send` refuses beyond. Default 64 MiB. */
  readonly maxBufferedBytes: number;
  /** Requests waiting for an answer per connection and direction; default 1024. */
  readonly maxRequests: number;
  /** Streams open per connection and direction; default 16. */
  readonly maxStreams: number;
  /** Bytes of one stream on the way before its sender waits; default 1 MiB. Bounds what a snapshot can put ahead of a heartbeat. */
  readonly streamWindowBytes: number;
  /** Accepted connections; default 256. */
  readonly maxConnections: number;
  /** Time to connect and shake hands; default 3 s. */
  readonly handshakeMs: number;
  /** Silence after which a connection counts as dead; a ping is sent at a third of it. Default 6 s. */
  readonly idleMs: number;
  /** First and longest pause between attempts to connect, jittered; defaults 50 ms and 2 s. */
  readonly retryMinMs: number;
  readonly retryMaxMs: number;
}

export const DEFAULT_LIMITS: WireLimits = {
  maxFrameBytes: 32 << 20,
  maxBufferedBytes: 64 << 20,
  maxRequests: 1024,
  maxStreams: 16,
  streamWindowBytes: 1 << 20,
  maxConnections: 256,
  handshakeMs: 3000,
  idleMs: 6000,
  retryMinMs: 50,
  retryMaxMs: 2000,
};

/** What arrives from peers. Handlers must not throw, `request` and `stream` excepted: their rejection is told to the sender. */
export interface WireHandlers {
  /** One-way message; in order per connection. The bytes may be kept. */
  message?(from: string, payload: Buffer): void;
  /** Answers a request. `signal` aborts when the caller gives up or the connection ends. */
  request?(from: string, method: string, payload: Buffer, signal: AbortSignal): Promise<Uint8Array>;
  /** Takes a stream; its sender's promise settles as this one does. Reading slowly slows the sender down. */
  stream?(from: string, header: Buffer, chunks: AsyncIterable<Buffer>, signal: AbortSignal): Promise<void>;
  /** A connection to this peer was made; what was sent over an older one may be lost. Called for each. */
  up?(peer: string): void;
  /** The last connection to this peer ended, or an attempt to make one failed. */
  down?(peer: string, reason: Error): void;
}

export interface WireOptions {
  /** Name and version of what is spoken over it, such as `lease-log/1`; both sides must name the same. */
  readonly protocol: string;
  /** Both sides must name the same. */
  readonly cluster: string;
  /** Own name, told to peers; 1 to 253 characters. */
  readonly id: string;
  /** False: connections are handed in by `WireEndpoint.accept`, from a listener that is shared with something else. Default true. */
  readonly listen?: boolean | undefined;
  /** Where to listen. */
  readonly host?: string | undefined;
  /** 0 takes a free port; see `WireEndpoint.port`. */
  readonly port?: number | undefined;
  /** Makes the connection to a peer, up to where the handshake begins; default: TCP, or TLS where `tls` is given. Must settle soon once `signal` aborts. */
  readonly connect?: ((peer: WirePeer, signal: AbortSignal) => Promise<Duplex>) | undefined;
  readonly tls?: WireTls | undefined;
  readonly handlers: WireHandlers;
  readonly limits?: Partial<WireLimits> | undefined;
  /**
   * When what is sent leaves: behind the callback that sent it (`callback`, the default), or at the end of the event loop's turn (`turn`), which costs a
   * connection under load fewer writes, and its peer fewer wakings.
   */
  readonly flush?: "callback" | "turn" | undefined;
  /** 0 <= x < 1; for jitter. */
  readonly random?: (() => number) | undefined;
}

export interface WirePeer {
  readonly id: string;
  /** Name or address; resolved at each attempt to connect. */
  readonly host: string;
  readonly port: number;
}
