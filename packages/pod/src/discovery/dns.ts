import dns from "node:dns/promises";
import type { PodClock } from "../clock.ts";
import { PodError } from "../errors.ts";
import type { PeerSource } from "./feed.ts";
import { type Answer, poll } from "./poll.ts";
import type { Peer } from "./types.ts";

/** The two questions asked. The default goes through Node's own resolver, so it follows whatever servers the process is set to. */
export interface SrvResolver {
  resolveSrv(name: string): Promise<readonly { readonly name: string; readonly port: number }[]>;
  /** Node tells no TTL of SRV records; that of the service's addresses is the same in cluster DNS. */
  ttlSeconds(host: string): Promise<number>;
}

export interface DnsOptions {
  readonly service: string;
  readonly portName: string;
  readonly namespace: string;
  readonly clusterDomain: string;
}

/** Kubernetes' default TTL is 5 s here and 30 s there; asking more often than once a second helps nobody. */
const minPollMs = 1_000;
const maxPollMs = 30_000;
const defaultTtlSeconds = 5;

export const nodeResolver: SrvResolver = {
  resolveSrv: (name) => dns.resolveSrv(name),
  async ttlSeconds(host) {
    const records = await dns.resolve4(host, { ttl: true });
    return Math.min(...records.map((record) => record.ttl));
  },
};

/**
 * The targets of a headless Service's SRV records. Only ready pods are listed unless the Service publishes not-ready addresses. Hosts stay
 * names, to be resolved on every dial.
 */
export function dnsSource(options: DnsOptions, clock: PodClock, resolver: SrvResolver): PeerSource {
  const zone = `${options.service}.${options.namespace}.svc.${options.clusterDomain}`;
  const question = `_${options.portName}._tcp.${zone}`;
  return { kind: "dns", run: (report, signal) => poll(() => ask(question, zone, resolver), clock, report, signal) };
}

async function ask(question: string, zone: string, resolver: SrvResolver): Promise<Answer> {
  const ttl = resolver.ttlSeconds(zone).catch(() => defaultTtlSeconds);
  const records = await resolver.resolveSrv(question);
  // The asking pod is itself a member, so "nobody" can only mean a cache or a service that isn't there yet.
  if (records.length === 0) throw new PodError("source", `${question} has no records`);
  return { peers: records.map(peerOf), nextInMs: Math.min(maxPollMs, Math.max(minPollMs, (await ttl) * 1000)) };
}

function peerOf({ name, port }: { readonly name: string; readonly port: number }): Peer {
  const host = name.replace(/\.$/, "").toLowerCase();
  return { id: host.split(".", 1)[0] ?? host, host, port };
}
