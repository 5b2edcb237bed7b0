/** Keeps one connection to a peer dialled: the address is resolved at each attempt, pauses grow and are jittered. */
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import type { Connection } from "./connection.ts";
import { WireError } from "./errors.ts";
import type { WireLimits, WireOptions, WirePeer, WireTls } from "./options.ts";
import { runSession, type SessionContext } from "./session.ts";
import { readTls } from "./tls.ts";

export class Dialer {
  readonly #context: SessionContext;
  readonly #limits: WireLimits;
  readonly #connect: (peer: WirePeer, signal: AbortSignal) => Duplex | Promise<Duplex>;
  readonly #random: () => number;
  #peer: WirePeer;
  #socket: Duplex | undefined;
  #attempt = new AbortController();
  #retry: NodeJS.Timeout | undefined;
  #patience: NodeJS.Timeout | undefined;
  #failures = 0;
  #isStopped = false;

  constructor(peer: WirePeer, context: SessionContext, options: Pick<WireOptions, "connect" | "tls" | "random">) {
    this.#peer = peer;
    this.#connect = options.connect ?? ((to) => dial(to, options.tls));
    this.#random = options.random ?? Math.random;
    this.#limits = context.limits;
    this.#context = {
      ...context,
      opened: (connection) => {
        this.#failures = 0;
        context.opened(connection);
      },
      closed: (reason, connection) => this.#closed(reason, connection, context),
    };
    this.#dial();
  }

  /** A new address is used from the next attempt on, which is made at once when there is no connection. */
  move(peer: WirePeer): void {
    if (peer.host === this.#peer.host && peer.port === this.#peer.port) return;
    this.#peer = peer;
    if (this.#retry) this.#dial();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#retry);
    clearTimeout(this.#patience);
    this.#attempt.abort(new WireError("closed", "the peer is no longer wanted"));
    this.#socket?.destroy();
  }

  #dial(): void {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    try {
      const made = this.#connect(this.#peer, this.#begin());
      if (made instanceof Promise) made.then(this.#run, this.#failed);
      else this.#run(made);
    } catch (error) {
      // Unreadable certificate files, or an address that is not one.
      this.#failed(error);
    }
  }

  /** A connection that is made elsewhere has as long as a handshake. Not by `AbortSignal.any` with a timeout, which Node 20 may collect before it fires. */
  #begin(): AbortSignal {
    const attempt = new AbortController();
    this.#attempt = attempt;
    const giveUp = (): void => attempt.abort(new WireError("unreachable", "no connection was made in time"));
    this.#patience = setTimeout(giveUp, this.#limits.handshakeMs);
    this.#patience.unref();
    return attempt.signal;
  }

  readonly #run = (socket: Duplex): void => {
    clearTimeout(this.#patience);
    this.#socket = socket;
    if (this.#isStopped) socket.destroy();
    else runSession(socket, this.#context, this.#peer.id);
  };

  readonly #failed = (error: unknown): void => {
    clearTimeout(this.#patience);
    if (this.#isStopped) return;
    const message = error instanceof Error ? error.message : String(error);
    this.#context.closed(new WireError("unreachable", message, { cause: error }), undefined);
  };

  #closed(reason: Error, connection: Connection | undefined, context: SessionContext): void {
    context.closed(reason, connection);
    if (this.#isStopped || this.#retry) return;
    const pauseMs = Math.min(this.#limits.retryMaxMs, this.#limits.retryMinMs * 2 ** Math.min(this.#failures++, 16));
    this.#retry = setTimeout(() => this.#dial(), pauseMs * (0.5 + this.#random() / 2));
    this.#retry.unref();
  }
}

function dial({ host, port }: WirePeer, tls: WireTls | undefined): Duplex {
  if (!tls) return connect({ host, port });
  return connectTls({ host, port, ...readTls(tls), checkServerIdentity: () => undefined });
}
