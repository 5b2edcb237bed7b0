import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { systemClock } from "../../machinery/clock.ts";
import type { Clock, Registry } from "../../machinery/types.ts";
import { NetworkError } from "../errors.ts";
import type { AddressPlan } from "../types.ts";
import { followCluster } from "./cluster-zone.ts";
import { Forwarder, hostResolvers, type Upstream } from "./forward.ts";
import { reverseDomainOf } from "./resolve.ts";
import { createInterceptedResponder, createResponder, type DnsIntercept, type Responder } from "./responder.ts";
import { serveConnection } from "./tcp.ts";

const maxConnections = 256;
/** UDP queries being answered at once; further ones are dropped, and their clients ask again. */
const maxConcurrentQueries = 1024;

export interface DnsOptions {
  readonly store: Pick<Registry, "subscribe">;
  readonly plan: Pick<AddressPlan, "dns" | "dnsPort" | "domain">;
  /** Who answers for names outside the cluster; by default the resolvers of /etc/resolv.conf. Empty: such names are refused. */
  readonly upstreams?: readonly Upstream[];
  readonly clock?: Clock;
  /** Asked about every query before it is answered. */
  readonly intercept?: DnsIntercept;
}

/**
 * Cluster DNS on plan.dns:plan.dnsPort, UDP and TCP: the Kubernetes DNS specification inside plan.domain, the host's resolvers outside.
 * @throws NetworkError CannotListen
 */
export async function startDns(options: DnsOptions): Promise<{ stop(): Promise<void> }> {
  const { store, plan } = options;
  const forwarder = new Forwarder(options.upstreams ?? (await hostResolvers(plan.dns)), options.clock ?? systemClock);
  const { zone, stop: unfollow } = followCluster(store, plan);
  const authority = { zone, domain: plan.domain, reverseDomain: reverseDomainOf(plan.dns) };
  const { intercept } = options;
  const respond = intercept
    ? createInterceptedResponder(authority, forwarder, intercept)
    : createResponder(authority, forwarder);
  const connections = new Set<Socket>();
  const udp = udpServer(respond);
  const tcp = tcpServer(respond, connections);
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopped ??= (async () => {
      unfollow();
      forwarder.stop();
      for (const socket of connections) socket.destroy();
      await Promise.all([closeUdp(udp), closeTcp(tcp)]);
    })();
    return stopped;
  };
  try {
    udp.bind({ address: plan.dns, port: plan.dnsPort, exclusive: true });
    await once(udp, "listening");
    tcp.listen({ host: plan.dns, port: plan.dnsPort, exclusive: true });
    await once(tcp, "listening");
  } catch (error) {
    await stop();
    throw new NetworkError("CannotListen", `cluster DNS cannot listen on ${plan.dns}:${plan.dnsPort}`, error);
  }
  return { stop };
}

function udpServer(respond: Responder): UdpSocket {
  const socket = createSocket("udp4");
  let answering = 0;
  socket.on("message", async (bytes, peer) => {
    if (answering >= maxConcurrentQueries) return;
    answering++;
    const reply = await respond(bytes, "udp", peer.address);
    answering--;
    // An error here means that this one client is gone; it would ask again.
    if (reply) sendQuietly(socket, reply, peer.port, peer.address);
  });
  return socket;
}

function sendQuietly(socket: UdpSocket, bytes: Buffer, port: number, address: string): void {
  try {
    socket.send(bytes, port, address, () => {});
  } catch {
    // Closed while the answer was being made, or a source port of 0.
  }
}

function tcpServer(respond: Responder, connections: Set<Socket>): Server {
  const server = createServer((socket) => {
    connections.add(socket);
    socket.once("close", () => connections.delete(socket));
    serveConnection(socket, respond);
  });
  server.maxConnections = maxConnections;
  return server;
}

const closeUdp = (socket: UdpSocket): Promise<void> =>
  new Promise((resolve) => {
    try {
      socket.close(() => resolve());
    } catch {
      // Never bound.
      resolve();
    }
  });

const closeTcp = (server: Server): Promise<void> => new Promise((resolve) => void server.close(() => resolve()));
