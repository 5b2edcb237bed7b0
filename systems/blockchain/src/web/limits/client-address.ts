import { isIP } from "node:net";
import type { FastifyRequest } from "fastify";

/**
 * The address that limits count for. `trustedHops` proxies in front of us each append who called them to `X-Forwarded-For`; whatever
 * stands left of their entries was written by the client, who may write anything. With fewer entries than hops the request came another
 * way, and only the connection itself is known.
 */
export function clientAddress(socketAddress: string, forwardedFor: string | undefined, trustedHops: number): string {
  const own = plain(socketAddress);
  if (trustedHops === 0 || forwardedFor === undefined) return own;
  const entries = forwardedFor.split(",");
  if (entries.length < trustedHops) return own;
  const entry = plain((entries[entries.length - trustedHops] ?? "").trim());
  return isIP(entry) === 0 ? own : entry;
}

/** Of who sent this request. */
export function addressOf({ socket, headers }: FastifyRequest, trustedHops: number): string {
  const forwarded = headers["x-forwarded-for"];
  const text = Array.isArray(forwarded) ? forwarded.join(",") : forwarded;
  return clientAddress(socket.remoteAddress ?? "", text, trustedHops);
}

/** Of an IPv4 address in IPv6 clothes, the IPv4 address. */
const plain = (address: string): string => address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, "");
