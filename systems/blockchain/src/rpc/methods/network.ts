/** Peers. */
import { isIP } from "node:net";
import { PROTOCOL_VERSION } from "../../p2p/options.ts";
import type { PeerInfo } from "../../p2p/types.ts";
import { type RpcContext, type RpcMethod, rpc } from "../context.ts";
import { RpcError } from "../errors.ts";
import { optional, param, withDefault } from "../method.ts";
import { coins } from "../views/numbers.ts";

const CATEGORY = "Network";
const DAY_SECONDS = 86_400;
const SERVICE_NAMES: readonly (readonly [bigint, string])[] = [
  [1n, "NETWORK"],
  [4n, "BLOOM"],
  [8n, "WITNESS"],
  [64n, "COMPACT_FILTERS"],
  [1024n, "NETWORK_LIMITED"],
  [2048n, "P2P_V2"],
];

const seconds = (ms: number): number => Math.floor(ms / 1000);
const servicesText = (services: bigint): string => services.toString(16).padStart(16, "0");
const serviceNames = (services: bigint): string[] =>
  SERVICE_NAMES.filter(([bit]) => (services & bit) !== 0n).map(([, name]) => name);

function connectionType({ isManual, isInbound }: PeerInfo): string {
  if (isInbound) return "inbound";
  return isManual ? "manual" : "outbound-full-relay";
}

const peerView = (peer: PeerInfo): object => ({
  id: peer.id,
  addr: `${peer.name ?? peer.host}:${peer.port}`,
  network: "not_publicly_routable",
  services: servicesText(peer.services),
  servicesnames: serviceNames(peer.services),
  relaytxes: peer.relaysTransactions,
  lastsend: seconds(peer.lastSentAt),
  lastrecv: seconds(peer.lastReceivedAt),
  bytessent: peer.bytesSent,
  bytesrecv: peer.bytesReceived,
  conntime: seconds(peer.connectedAt),
  timeoffset: 0,
  ...(peer.pingMs !== undefined && { pingtime: peer.pingMs / 1000 }),
  ...(peer.minPingMs !== undefined && { minping: peer.minPingMs / 1000 }),
  version: peer.version,
  subver: peer.userAgent,
  inbound: peer.isInbound,
  bip152_hb_to: peer.announcesCompact,
  bip152_hb_from: peer.wantsCompact,
  startingheight: peer.startHeight,
  synced_headers: peer.bestHeight ?? -1,
  synced_blocks: peer.bestHeight ?? -1,
  inflight: [],
  minfeefilter: coins(peer.feeFilter),
  connection_type: connectionType(peer),
  transport_protocol_type: "v1",
});

function info({ network, mempool, userAgent }: RpcContext): object {
  const ready = network.peers().filter(({ isReady }) => isReady);
  const inbound = ready.filter(({ isInbound }) => isInbound).length;
  const { minRelayFeeRate, incrementalFeeRate } = mempool.info();
  return {
    version: 10_000,
    subversion: userAgent,
    protocolversion: PROTOCOL_VERSION,
    localservices: servicesText(9n),
    localservicesnames: serviceNames(9n),
    localrelay: true,
    timeoffset: 0,
    networkactive: network.isActive,
    connections: ready.length,
    connections_in: inbound,
    connections_out: ready.length - inbound,
    networks: [],
    relayfee: coins(minRelayFeeRate),
    incrementalfee: coins(incrementalFeeRate),
    localaddresses: [],
    warnings: [],
  };
}

function hostAndPort(text: string, defaultPort: number): { readonly host: string; readonly port: number } {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+|[0-9a-fA-F:]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined) throw new RpcError("invalidParameter", `${text} is no address`);
  return { host, port: port === undefined ? defaultPort : Number(port) };
}

function addNode({ network, chain }: RpcContext, node: string, command: "add" | "remove" | "onetry"): null {
  const { host, port } = hostAndPort(node, chain.network.defaultPort);
  const isAdded = network.addedNodes().some((added) => added.host === host && added.port === port);
  if (command === "add" && isAdded) throw new RpcError("nodeAlreadyAdded", "Error: Node already added");
  if (command === "remove" && !(isAdded && network.removeNode(host, port)))
    throw new RpcError("nodeNotAdded", "Error: Node could not be removed. It has not been added previously.");
  if (command !== "remove") network.addNode(host, port, { once: command === "onetry" });
  return null;
}

function disconnectNode({ network }: RpcContext, address: string | undefined, id: number | undefined): null {
  const which = address || id;
  if (which === undefined || (address && id !== undefined))
    throw new RpcError("invalidParams", "Only one of address and nodeid should be provided.");
  if (!network.disconnect(which)) throw new RpcError("nodeNotConnected", "Node not found in connected nodes");
  return null;
}

function setBan(
  context: RpcContext,
  address: string,
  command: "add" | "remove",
  time: number,
  absolute: boolean,
): null {
  const { network } = context;
  if (isIP(address) === 0)
    throw new RpcError("invalidIpOrSubnet", "Error: Invalid IP/Subnet (subnets are not supported)");
  const isBanned = network.bans().some((ban) => ban.address === address);
  if (command === "remove") {
    if (!network.unban(address))
      throw new RpcError(
        "invalidIpOrSubnet",
        "Error: Unban failed. Requested address/subnet was not previously manually banned.",
      );
    return null;
  }
  if (isBanned) throw new RpcError("nodeAlreadyAdded", "Error: IP/Subnet already banned");
  const durationMs = absolute ? time * 1000 - context.now() : (time || DAY_SECONDS) * 1000;
  if (durationMs <= 0) throw new RpcError("invalidParameter", "Error: Absolute timestamp is in the past");
  network.ban(address, durationMs);
  return null;
}

export const networkMethods: readonly RpcMethod[] = [
  rpc(
    "getconnectioncount",
    CATEGORY,
    "number of peers",
    {},
    ({ network }) => network.peers().filter(({ isReady }) => isReady).length,
  ),
  rpc("getpeerinfo", CATEGORY, "all peers", {}, ({ network }) => network.peers().map(peerView)),
  rpc("getnetworkinfo", CATEGORY, "state of the peer network", {}, info),
  rpc("getnettotals", CATEGORY, "bytes so far", {}, (context) => {
    const { bytesReceived, bytesSent } = context.network.totals();
    return { totalbytesrecv: bytesReceived, totalbytessent: bytesSent, timemillis: context.now() };
  }),
  rpc(
    "getnodeaddresses",
    CATEGORY,
    "known addresses",
    { count: withDefault(param.integer("0: all", 0), 1) },
    ({ network }, { count }) => {
      const all = network.knownAddresses();
      return all.slice(0, count || all.length).map(({ host, port, lastSeenAt = 0 }) => ({
        time: seconds(lastSeenAt),
        services: 9,
        address: host,
        port,
        network: "not_publicly_routable",
      }));
    },
  ),
  rpc(
    "addnode",
    CATEGORY,
    "dials a node",
    {
      node: param.string("host:port"),
      command: param.oneOf("what to do", ["add", "remove", "onetry"]),
      v2transport: optional(param.boolean("ignored")),
    },
    (context, values) => addNode(context, values.node, values.command),
  ),
  rpc(
    "getaddednodeinfo",
    CATEGORY,
    "nodes of addnode",
    { node: optional(param.string("only this one")) },
    ({ network }, { node }) =>
      network
        .addedNodes()
        .map(({ host, port }) => {
          const peer = network.peers().find((each) => each.isReady && each.name === host && each.port === port);
          const addresses = peer ? [{ address: `${peer.host}:${port}`, connected: "outbound" }] : [];
          return { addednode: `${host}:${port}`, connected: peer !== undefined, addresses };
        })
        .filter(({ addednode }) => node === undefined || addednode === node),
  ),
  rpc(
    "disconnectnode",
    CATEGORY,
    "ends a connection",
    { address: withDefault(param.string("host:port"), ""), nodeid: optional(param.integer("id of getpeerinfo")) },
    (context, values) => disconnectNode(context, values.address || undefined, values.nodeid),
  ),
  rpc(
    "setban",
    CATEGORY,
    "keeps an address out",
    {
      subnet: param.string("address"),
      command: param.oneOf("what to do", ["add", "remove"]),
      bantime: withDefault(param.integer("seconds, or with absolute the time; 0: a day", 0), 0),
      absolute: withDefault(param.boolean("bantime is seconds since 1970"), false),
    },
    (context, values) => setBan(context, values.subnet, values.command, values.bantime, values.absolute),
  ),
  rpc("listbanned", CATEGORY, "addresses that are kept out", {}, (context) =>
    context.network.bans().map(({ address, createdMs, untilMs, reason }) => ({
      address,
      ban_created: seconds(createdMs),
      banned_until: seconds(untilMs),
      ban_duration: seconds(untilMs - createdMs),
      time_remaining: Math.max(0, seconds(untilMs - context.now())),
      ban_reason: reason,
    })),
  ),
  rpc("clearbanned", CATEGORY, "keeps nobody out", {}, ({ network }) => {
    network.clearBans();
    return null;
  }),
  rpc(
    "setnetworkactive",
    CATEGORY,
    "switches the peer network",
    { state: param.boolean("on or off") },
    ({ network }, { state }) => {
      network.setActive(state);
      return network.isActive;
    },
  ),
];
