/** Keeps one connection to a peer dialled: the address is resolved at each attempt, pauses grow and are jittered. */
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Connection } from "./connection.ts";
import type { WireLimits, WirePeer, WireTls } from "./options.ts";
import { runSession, type SessionContext } from "./session.ts";
import { readTls } from "./tls.ts";

export class Dialer {
  readonly #context: SessionContext;
  readonly #limits: WireLimits;
  readonly #tls: WireTls | undefined;
  readonly #random: () => number;
  #peer: WirePeer;
  #socket: Socket | undefined;
  #retry: NodeJS.Timeout | undefined;
  #failures = 0;
  #isStopped = false;

  constructor(peer: WirePeer, context: SessionContext, tls: WireTls | undefined, random: () => number) {
    this.#peer = peer;
    this.#tls = tls;
    this.#random = random;
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
    this.#socket?.destroy();
  }

  #dial(): void {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    const { host, port, id } = this.#peer;
    try {
      this.#socket = this.#tls
        ? connectTls({ host, port, ...readTls(this.#tls), checkServerIdentity: () => undefined })
        : connect({ host, port });
      runSession(this.#socket, this.#context, id);
    } catch (error) {
      // Unreadable certificate files, or an address that is not one.
      this.#closed(error instanceof Error ? error : new TypeError(String(error)), undefined, this.#context);
    }
  }

  #closed(reason: Error, connection: Connection | undefined, context: SessionContext): void {
    context.closed(reason, connection);
    if (this.#isStopped || this.#retry) return;
    const pauseMs = Math.min(this.#limits.retryMaxMs, this.#limits.retryMinMs * 2 ** Math.min(this.#failures++, 16));
    this.#retry = setTimeout(() => this.#dial(), pauseMs * (0.5 + this.#random() / 2));
    this.#retry.unref();
  }
}
