/** version, verack and what is agreed on between them; ping and pong. */
import { COMPACT_VERSION } from "../compact/compact-block.ts";
import type { Handler, NetState } from "../net-state.ts";
import { OLDEST_VERSION, PROTOCOL_VERSION } from "../options.ts";
import type { Peer } from "../peer.ts";
import { type NonceBody, SERVICES, type VersionBody } from "../wire/types.ts";
import { queueTransaction } from "./inventory.ts";

/** Transactions that a new peer is told of, those that pay best. */
const MOST_ANNOUNCED = 5000;
const OWN_SERVICES = SERVICES.network | SERVICES.witness;

export function sendVersion(net: NetState, peer: Peer): void {
  const { transport } = peer;
  peer.send({
    command: "version",
    version: PROTOCOL_VERSION,
    services: OWN_SERVICES,
    time: Math.floor(net.clock.wall() / 1000),
    receiver: { host: transport.host, port: transport.port, services: 0n },
    sender: { host: net.externalHost ?? "0.0.0.0", port: net.listenPort, services: OWN_SERVICES },
    nonce: net.nonce,
    userAgent: net.userAgent,
    height: net.chain.tip.height,
    relay: true,
  });
}

export const onVersion: Handler<VersionBody> = (net, peer, version) => {
  if (peer.version !== undefined) return;
  if (version.nonce === net.nonce) return net.foundSelf(peer);
  if (isDuplicate(net, peer, version)) return net.disconnect(peer, "there is a connection with it under another name");
  if (version.version < OLDEST_VERSION) return net.disconnect(peer, `version ${version.version} is too old`);
  if (!peer.isInbound && (version.services & SERVICES.network) === 0n) return net.disconnect(peer, "it has no blocks");
  peer.version = version;
  if (peer.isInbound) sendVersion(net, peer);
  if (version.version >= PROTOCOL_VERSION) {
    peer.send({ command: "wtxidrelay" });
    peer.send({ command: "sendaddrv2" });
  }
  peer.send({ command: "verack" });
};

/** How long a second name of a connected node is let be. */
const ALIAS_MS = 30_000;

/** A Service's name and a pod's own may lead to the same node. Its nonce, the same for all of its connections, tells. */
function isDuplicate(net: NetState, { id, target }: Peer, { nonce }: VersionBody): boolean {
  if (target === undefined) return false;
  const isKnown = [...net.peers.values()].some(
    (other) => other.id !== id && !other.isInbound && other.version?.nonce === nonce,
  );
  if (isKnown) net.book.postpone(target.host, target.port, net.clock.now() + ALIAS_MS);
  return isKnown;
}

export const onVerack: Handler<object> = (net, peer) => {
  if (peer.version === undefined || peer.hasVerack) return;
  peer.hasVerack = true;
  const { host, port } = peer.target ?? peer.transport;
  if (peer.target !== undefined) net.book.succeeded(host, port, net.clock.now());
  net.logger.info("peer connected", {
    peer: peer.address,
    inbound: peer.isInbound,
    agent: peer.version.userAgent,
    height: peer.version.height,
  });
  peer.send({ command: "sendheaders" });
  peer.send({ command: "sendcmpct", announce: false, version: COMPACT_VERSION });
  peer.send({ command: "feefilter", feeRate: BigInt(Math.ceil(net.mempool.info().minFeeRate)) });
  if (!peer.isInbound) peer.send({ command: "getaddr" });
  rememberListener(net, peer);
  sendPing(net, peer);
  announcePool(net, peer);
  net.headerSync.add(peer.id);
  net.schedule();
};

/** What was sent on the other side of a partition would otherwise never get here: nobody announces a transaction twice. */
function announcePool(net: NetState, peer: Peer): void {
  let count = 0;
  for (const entry of net.mempool.byAncestorRate()) {
    if (++count > MOST_ANNOUNCED) return;
    queueTransaction(peer, entry);
  }
}

/** Where an inbound peer listens, if what it says of itself agrees with where it comes from. */
function rememberListener(net: NetState, { isInbound, transport, version }: Peer): void {
  const sender = version?.sender;
  if (!isInbound || sender === undefined || sender.host !== transport.host || sender.port === 0) return;
  net.book.add(sender.host, sender.port, "gossip");
  net.book.succeeded(sender.host, sender.port, net.clock.now());
}

export function sendPing(net: NetState, peer: Peer): void {
  const nonce = BigInt(Math.floor(Math.random() * Number.MAX_SAFE_INTEGER));
  peer.lastPingMs = net.clock.now();
  peer.ping = { nonce, sinceMs: peer.lastPingMs };
  peer.send({ command: "ping", nonce });
}

export const onPing: Handler<NonceBody> = (_net, peer, { nonce }) => peer.send({ command: "pong", nonce });

export const onPong: Handler<NonceBody> = (net, peer, { nonce }) => {
  if (peer.ping?.nonce !== nonce) return;
  peer.pingMs = net.clock.now() - peer.ping.sinceMs;
  peer.minPingMs = Math.min(peer.minPingMs ?? Number.POSITIVE_INFINITY, peer.pingMs);
  peer.ping = undefined;
};

/** A wish of the peer that only counts before `verack`. */
export const beforeVerack =
  (note: (peer: Peer) => void): Handler<object> =>
  (_net, peer) => {
    if (!peer.hasVerack) note(peer);
  };
