/**
 * The node's part in the peer network.
 *
 * Messages of one peer are handled one after the other, in the order in which they came, and its connection is not read meanwhile: who
 * sends faster than this node works is slowed down by TCP instead of filling memory. Everything that waits for something is looked at by
 * one tick, so that there is one timer and not one per peer.
 */
import { randomBytes } from "node:crypto";
import type { ChainEntry } from "../chain/types.ts";
import type { MempoolEntry } from "../mempool/types.ts";
import { BanList } from "./bans.ts";
import { BoundedSet } from "./bounded.ts";
import { Conduct } from "./conduct.ts";
import { Connections } from "./connections.ts";
import { P2pError } from "./errors.ts";
import { whoMakesRoom } from "./eviction.ts";
import { sendPing, sendVersion } from "./handlers/handshake.ts";
import { announceTip } from "./handlers/headers.ts";
import { queueTransaction } from "./handlers/inventory.ts";
import { handleMessage } from "./handlers/table.ts";
import { AddressBook, addressKey } from "./net/address-book.ts";
import { Dialer, type Target } from "./net/dialer.ts";
import type { Listener, Transport } from "./net/transport.ts";
import type { NetState } from "./net-state.ts";
import { NETWORK_DEFAULTS, NETWORK_TIMING, type NetworkOptions, type NetworkTiming } from "./options.ts";
import type { Peer } from "./peer.ts";
import { flushOutbox } from "./relay/flush.ts";
import { TransactionRequests } from "./relay/requests.ts";
import { BlockDownloads } from "./sync/downloads.ts";
import { endLate, fetchDue, isSyncing } from "./sync/driver.ts";
import { HeaderSync } from "./sync/header-sync.ts";
import type { Network, NetworkTotals, PeerInfo } from "./types.ts";

const MOST_REFUSED = 50_000;
/** A gap this long between ticks means that this process stood still, not that its peers did. */
const STANDSTILL_MS = 5000;

type Settled = NetworkOptions & Required<Pick<NetworkOptions, keyof typeof NETWORK_DEFAULTS>>;

/** Listens and begins to dial. Rejects with P2pError `connection` when it can't listen. */
export async function openNetwork(options: NetworkOptions): Promise<PeerNetwork> {
  const network = new PeerNetwork(options);
  await network.start();
  return network;
}

export class PeerNetwork implements Network {
  readonly #options: Settled;
  readonly #timing: NetworkTiming;
  readonly #connections: Connections;
  readonly #book = new AddressBook();
  readonly #bans: BanList;
  readonly #conduct: Conduct;
  readonly #dialer: Dialer;
  readonly #state: NetState;
  readonly #unsubscribe: (() => void)[] = [];
  #listener: Listener | undefined;
  #timer: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;
  #lastTickMs: number;
  #isActive = true;
  #stopped: Promise<void> | undefined;
  #messagesRefused = 0;

  constructor(options: NetworkOptions) {
    const settled = { ...NETWORK_DEFAULTS, ...options };
    const { clock, logger } = settled;
    this.#options = settled;
    this.#timing = { ...NETWORK_TIMING, ...options.timing };
    this.#lastTickMs = clock.now();
    this.#connections = new Connections({
      magic: options.chain.network.magic,
      clock,
      logger,
      maxQueueBytes: settled.maxQueueBytes,
      onMessage: (peer, message) => handleMessage(this.#state, peer, message),
      onError: (peer, error) => this.#onPeerError(peer, error),
      onGone: (peer) => this.#onGone(peer),
    });
    this.#bans = new BanList(() => clock.wall(), options.bans);
    this.#conduct = new Conduct({
      bans: this.#bans,
      book: this.#book,
      peers: this.#connections.peers,
      clock,
      logger,
      banMs: settled.banMs,
      disconnect: (peer, reason) => this.#connections.disconnect(peer, reason),
      onBansChanged: () => this.#bansChanged(),
    });
    this.#dialer = new Dialer({
      wiring: options.wiring,
      book: this.#book,
      clock,
      logger,
      maxOutbound: settled.maxOutbound,
      outbound: () => this.#peers().filter(({ isInbound, isManual }) => !isInbound && !isManual).length,
      isConnected: (host, port) => this.#isConnected(host, port),
      isBanned: (host) => this.#bans.isBanned(host),
      connected: (transport, target, isManual) => this.#open(transport, target, isManual),
    });
    this.#state = this.#makeState();
  }

  async start(): Promise<void> {
    const { wiring, host, port, listens, chain, mempool } = this.#options;
    if (listens) this.#listener = await wiring.listen(host, port, (transport) => this.#accept(transport));
    this.#unsubscribe.push(
      chain.onSettled((tip) => this.#onTip(tip)),
      mempool.subscribe((event) => event.kind === "added" && this.#onTransaction(event.entry)),
    );
    this.#timer = setInterval(() => this.tick(), this.#timing.tickMs);
    this.tick();
  }

  get port(): number {
    return this.#listener?.port ?? this.#options.port;
  }

  get isActive(): boolean {
    return this.#isActive;
  }

  get isSyncing(): boolean {
    return isSyncing(this.#state);
  }

  peers(): readonly PeerInfo[] {
    return this.#peers().map((peer) => peer.info(this.#state.downloads.inFlightOf(peer.id).length));
  }

  totals(): NetworkTotals {
    return {
      bytesSent: this.#connections.bytesSent,
      bytesReceived: this.#connections.bytesReceived,
      peersBanned: this.#conduct.banned,
      messagesRefused: this.#messagesRefused,
    };
  }

  /** The complete set that discovery names now. */
  setNamed(addresses: readonly Target[]): void {
    this.#book.setNamed(addresses);
  }

  addNode(host: string, port: number, { once = false } = {}): void {
    if (once) this.#dialer.dialOnce(host, port);
    else this.#book.add(host, port, "manual");
  }

  removeNode(host: string, port: number): boolean {
    return this.#book.isNamed(host, port) && this.#book.remove(host, port);
  }

  addedNodes(): readonly Target[] {
    return this.#book.entries().filter(({ source }) => source === "manual");
  }

  knownAddresses(): ReturnType<Network["knownAddresses"]> {
    const { clock } = this.#options;
    return this.#book.entries().map(({ host, port, lastSeenMs }) => ({
      host,
      port,
      lastSeenAt: lastSeenMs === undefined ? undefined : clock.wall() - (clock.now() - lastSeenMs),
    }));
  }

  disconnect(which: number | string): boolean {
    const matches = this.#peers().filter(
      ({ id, transport, address }) =>
        id === which ||
        address === which ||
        transport.host === which ||
        addressKey(transport.host, transport.port) === which,
    );
    for (const peer of matches) this.#connections.disconnect(peer, "as told");
    return matches.length > 0;
  }

  ban(address: string, durationMs: number): void {
    this.#bans.add(address, durationMs, "manually added");
    for (const peer of this.#peers()) if (peer.transport.host === address) this.#connections.disconnect(peer, "banned");
    this.#bansChanged();
  }

  unban(address: string): boolean {
    const isRemoved = this.#bans.remove(address);
    if (isRemoved) this.#bansChanged();
    return isRemoved;
  }

  bans(): ReturnType<Network["bans"]> {
    return this.#bans.list();
  }

  clearBans(): void {
    this.#bans.clear();
    this.#bansChanged();
  }

  setActive(active: boolean): void {
    if (this.#isActive === active) return;
    this.#isActive = active;
    this.#options.logger.info(active ? "network on" : "network off");
    if (active) return;
    void this.#dialer.abort();
    for (const peer of this.#peers()) this.#connections.disconnect(peer, "the network is switched off");
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  /** One look at everything that waits. */
  tick(): void {
    const { clock } = this.#options;
    const now = clock.now();
    if (now - this.#lastTickMs > STANDSTILL_MS) this.#forgive(now);
    this.#lastTickMs = now;
    if (this.#isActive) this.#dialer.tick();
    for (const peer of this.#peers()) this.#checkPeer(peer, now);
    endLate(this.#state);
    this.#work();
  }

  async #stop(): Promise<void> {
    this.#isActive = false;
    clearInterval(this.#timer);
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    await this.#dialer.abort();
    await Promise.all([this.#connections.close("this node stops"), this.#listener?.close()]);
    clearImmediate(this.#immediate);
  }

  #makeState(): NetState {
    const { chain, mempool, logger, clock, userAgent, externalHost, maxWeakHeaders } = this.#options;
    const network = this;
    return {
      chain,
      mempool,
      logger,
      clock,
      peers: this.#connections.peers,
      book: this.#book,
      headerSync: new HeaderSync(this.#timing.headers),
      downloads: new BlockDownloads(this.#timing.downloads),
      requests: new TransactionRequests(),
      refused: new BoundedSet(MOST_REFUSED),
      inHand: new Set(),
      compactCache: { latest: undefined },
      nonce: randomBytes(8).readBigUInt64LE(),
      userAgent,
      externalHost,
      maxWeakHeaders,
      get listenPort() {
        return network.port;
      },
      get isSyncing() {
        return network.isSyncing;
      },
      punish: (peer, points, reason) => this.#conduct.punish(peer, points, reason),
      disconnect: (peer, reason) => this.#connections.disconnect(peer, reason),
      foundSelf: (peer) => this.#foundSelf(peer),
      schedule: () => this.#schedule(),
    };
  }

  #accept(transport: Transport): void {
    const { maxInbound } = this.#options;
    const inbound = this.#peers().filter(({ isInbound, isClosed }) => isInbound && !isClosed);
    const fromThere = inbound.filter((peer) => peer.transport.host === transport.host).length;
    const isCrowd = fromThere >= Math.max(8, maxInbound / 2);
    const isWelcome = this.#isActive && !isCrowd && !this.#bans.isBanned(transport.host);
    if (isWelcome && (inbound.length < maxInbound || this.#makeRoom(inbound))) this.#open(transport, undefined, false);
    else transport.close();
  }

  #makeRoom(inbound: readonly Peer[]): boolean {
    const leaving = whoMakesRoom(inbound);
    if (leaving) this.#connections.disconnect(leaving, "it makes room for another");
    return leaving !== undefined;
  }

  #open(transport: Transport, target: Target | undefined, isManual: boolean): void {
    if (!this.#isActive) {
      transport.close();
      return;
    }
    const peer = this.#connections.open(transport, target, isManual);
    if (!transport.isInbound) sendVersion(this.#state, peer);
  }

  #onPeerError(peer: Peer, error: unknown): void {
    if (!(error instanceof P2pError) || (error.code !== "malformed" && error.code !== "misbehaving")) return;
    this.#messagesRefused++;
    this.#conduct.punish(peer, 100, error.message);
  }

  #onGone({ id, target, hasVerack }: Peer): void {
    const { headerSync, downloads, requests, book, clock } = this.#state;
    headerSync.remove(id);
    downloads.remove(id);
    requests.remove(id);
    // Without a handshake the failure was noted when it was dialled.
    if (target && hasVerack) book.failed(target.host, target.port, clock.now());
    this.#schedule();
  }

  #foundSelf(peer: Peer): void {
    const { target, transport } = peer;
    if (target) {
      this.#dialer.foundSelf(target.host, target.port);
      this.#dialer.foundSelf(transport.host, target.port);
    }
    this.#connections.disconnect(peer, "it is this node");
  }

  #isConnected(host: string, port: number): boolean {
    return this.#peers().some(({ target, transport, version, isReady }) => {
      if (target) return target.port === port && (target.host === host || transport.host === host);
      // An inbound peer counts where what it says of itself agrees with where it comes from.
      const sender = version?.sender;
      return isReady && transport.host === host && sender?.host === host && sender.port === port;
    });
  }

  #checkPeer(peer: Peer, now: number): void {
    const { handshakeMs, pingEveryMs, pingAnswerMs } = this.#timing;
    peer.forget((entry) => this.#options.chain.entry(entry.hash) !== entry);
    if (!peer.isReady) {
      if (now - peer.connectedMs > handshakeMs) this.#connections.disconnect(peer, "no handshake in time");
    } else if (peer.ping === undefined) {
      if (now - peer.lastPingMs > pingEveryMs) sendPing(this.#state, peer);
    } else if (now - peer.ping.sinceMs > pingAnswerMs) this.#connections.disconnect(peer, "no answer to a ping");
  }

  #forgive(now: number): void {
    this.#state.headerSync.forgive(now);
    this.#state.downloads.forgive(now);
    for (const peer of this.#peers()) if (peer.ping) peer.ping = { ...peer.ping, sinceMs: now };
  }

  #schedule(): void {
    if (this.#immediate !== undefined || this.#stopped) return;
    this.#immediate = setImmediate(() => {
      this.#immediate = undefined;
      this.#work();
    });
  }

  #work(): void {
    if (this.#stopped) return;
    fetchDue(this.#state);
    for (const peer of this.#peers()) flushOutbox(peer);
  }

  #onTip(tip: ChainEntry): void {
    this.#state.refused.clear();
    if (!this.isSyncing) for (const peer of this.#peers()) if (peer.isReady) announceTip(this.#state, peer, tip);
    this.#schedule();
  }

  #onTransaction(entry: MempoolEntry): void {
    for (const peer of this.#peers()) queueTransaction(peer, entry);
    this.#schedule();
  }

  #bansChanged(): void {
    this.#options.onBansChanged?.(this.#bans.list());
  }

  #peers(): Peer[] {
    return [...this.#connections.peers.values()];
  }
}
