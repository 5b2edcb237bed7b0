/** What misbehaviour costs. */
import type { Logger } from "@coracle/pod";
import type { BanList } from "./bans.ts";
import { BoundedMap } from "./bounded.ts";
import type { NetClock } from "./clock.ts";
import type { AddressBook } from "./net/address-book.ts";
import type { Peer } from "./peer.ts";

const BAN_POINTS = 100;
/** How often an address that well-behaved peers share may offend before it is kept out altogether. */
const PATIENCE_WITH_SHARED = 10;
/** A peer that discovery names is never kept out, only let be for a while. */
const COOL_DOWN_MS = 60_000;
const MOST_OFFENDERS = 10_000;

export interface ConductOptions {
  readonly bans: BanList;
  readonly book: AddressBook;
  readonly peers: ReadonlyMap<number, Peer>;
  readonly clock: NetClock;
  readonly logger: Logger;
  readonly banMs: number;
  disconnect(peer: Peer, reason: string): void;
  onBansChanged(): void;
}

export class Conduct {
  readonly #options: ConductOptions;
  readonly #offences = new BoundedMap<string, number>(MOST_OFFENDERS);
  #banned = 0;

  constructor(options: ConductOptions) {
    this.#options = options;
  }

  get banned(): number {
    return this.#banned;
  }

  punish(peer: Peer, points: number, reason: string): void {
    const { logger, disconnect } = this.#options;
    if (peer.isClosed) return;
    peer.misbehaviour += points;
    logger.warn("peer misbehaves", { peer: peer.address, points: peer.misbehaviour, reason });
    if (peer.misbehaviour < BAN_POINTS) return;
    this.#keepOut(peer, reason);
    disconnect(peer, reason);
  }

  #keepOut(peer: Peer, reason: string): void {
    const { bans, book, clock, banMs, onBansChanged } = this.#options;
    const { target, transport } = peer;
    if (target && book.isNamed(target.host, target.port)) {
      book.postpone(target.host, target.port, clock.now() + COOL_DOWN_MS);
      return;
    }
    const offences = (this.#offences.get(transport.host) ?? 0) + 1;
    this.#offences.set(transport.host, offences);
    if (this.#isShared(peer) && offences < PATIENCE_WITH_SHARED) return;
    bans.add(transport.host, banMs, reason);
    this.#banned++;
    onBansChanged();
  }

  /** Whether others who behave come from the same address, as pods behind a proxy do. */
  #isShared({ id, transport }: Peer): boolean {
    return [...this.#options.peers.values()].some(
      (other) =>
        other.id !== id && other.isReady && other.misbehaviour < BAN_POINTS && other.transport.host === transport.host,
    );
  }
}
