/** Keeps as many outbound connections as wanted, of the addresses in the book. */
import type { Logger } from "@coracle/pod";
import { messageOf } from "../../errors.ts";
import type { NetClock } from "../clock.ts";
import { type AddressBook, addressKey, type BookEntry } from "./address-book.ts";
import type { Transport, Wiring } from "./transport.ts";

/** How long an address to which there is a connection anyway, or which is banned, is let be. */
const RECHECK_MS = 3000;

export interface Target {
  readonly host: string;
  readonly port: number;
}

export interface DialerOptions {
  readonly wiring: Wiring;
  readonly book: AddressBook;
  readonly clock: NetClock;
  readonly logger: Logger;
  readonly maxOutbound: number;
  /** Outbound connections, without those being made. */
  outbound(): number;
  /** Whether there is a connection with what listens there. `host` is numeric. */
  isConnected(host: string, port: number): boolean;
  isBanned(host: string): boolean;
  connected(transport: Transport, target: Target, isManual: boolean): void;
}

export class Dialer {
  readonly #options: DialerOptions;
  readonly #dialling = new Set<string>();
  /** Addresses, by name or number, that are this node. */
  readonly #self = new Set<string>();
  readonly #running = new Set<Promise<void>>();
  #stopping = new AbortController();

  constructor(options: DialerOptions) {
    this.#options = options;
  }

  isSelf(host: string, port: number): boolean {
    return this.#self.has(addressKey(host, port));
  }

  foundSelf(host: string, port: number): void {
    if (this.#self.size < 1000) this.#self.add(addressKey(host, port));
  }

  /** Dials what is due and wanted. */
  tick(): void {
    const { book, clock, maxOutbound, outbound, isConnected } = this.#options;
    const isTaken = (key: string): boolean => this.#dialling.has(key) || this.#self.has(key);
    const free = maxOutbound - outbound() - this.#dialling.size;
    for (const entry of book.due(clock.now(), free, isTaken)) {
      // Without this a book full of connected peers would be looked up in the DNS at every tick.
      if (isConnected(entry.host, entry.port)) book.postpone(entry.host, entry.port, clock.now() + RECHECK_MS);
      else this.#start(entry);
    }
  }

  /** Tries once, whatever the bound. */
  dialOnce(host: string, port: number): void {
    this.#start({ host, port, source: "manual", failures: 0, nextDialMs: 0, lastSeenMs: undefined });
  }

  /** Ends the attempts under way. It may be used again afterwards. */
  async abort(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#running);
    this.#stopping = new AbortController();
  }

  #start(entry: BookEntry): void {
    const key = addressKey(entry.host, entry.port);
    this.#dialling.add(key);
    const run = this.#dial(entry).finally(() => {
      this.#dialling.delete(key);
      this.#running.delete(run);
    });
    this.#running.add(run);
  }

  /** Never rejects. */
  async #dial({ host, port, source }: BookEntry): Promise<void> {
    const { wiring, book, clock, logger, isConnected, isBanned, connected } = this.#options;
    const { signal } = this.#stopping;
    try {
      const address = await wiring.resolve(host);
      if (this.#self.has(addressKey(address, port))) return this.foundSelf(host, port);
      if (isConnected(address, port) || isBanned(address)) return book.postpone(host, port, clock.now() + RECHECK_MS);
      const transport = await wiring.dial(address, port, signal);
      if (signal.aborted) return transport.close();
      // The delay grows until the handshake is through.
      book.failed(host, port, clock.now());
      connected(transport, { host, port }, source === "manual");
    } catch (error) {
      book.failed(host, port, clock.now());
      if (!signal.aborted) logger.debug("peer not reached", { peer: addressKey(host, port), reason: messageOf(error) });
    }
  }
}
