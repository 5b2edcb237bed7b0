/**
 * `dns.lookup` for pods. Node.js asks the C library there, which reads the host's files and knows nothing of the cluster; this
 * one asks cluster DNS, the way a pod's resolv.conf and hosts file would have it.
 */
import type dns from "node:dns";
import net from "node:net";
import { SystemError } from "../errors.ts";
import { candidates, type Settings } from "./settings.ts";

export interface LookupOptions {
  readonly family?: number | "IPv4" | "IPv6" | undefined;
  readonly all?: boolean | undefined;
}

export interface LookupAddress {
  readonly address: string;
  readonly family: 4 | 6;
}

export type Lookup = (hostname: string, options: LookupOptions) => Promise<LookupAddress[]>;

type Family = 0 | 4 | 6;

/**
 * Answers that mean "no such name here, ask for the next" (REFUSED: a name outside the cluster on a host without resolvers);
 * anything else says nothing about the name.
 */
const negative = new Set(["ENOTFOUND", "ENODATA", "EREFUSED"]);

/** Resolves with at least one address; rejects with ENOTFOUND, or EAI_AGAIN when cluster DNS does not answer. */
export function createLookup(settings: Settings, resolver: () => dns.promises.Resolver): Lookup {
  return async (hostname, options) => {
    const family = familyOf(options.family);
    const literal = net.isIP(hostname);
    if (literal !== 0) return [{ address: hostname, family: literal === 6 ? 6 : 4 }];
    const known = ownAddress(settings, hostname.toLowerCase());
    if (known && family !== 6) return [{ address: known, family: 4 }];
    for (const name of known ? [] : candidates(hostname, settings.search)) {
      const addresses = await ask(resolver(), name, family, hostname);
      if (addresses.length > 0) return addresses;
    }
    throw lookupError("ENOTFOUND", hostname);
  };
}

function ownAddress({ podIp, hostname, hosts }: Settings, name: string): string | undefined {
  if (name === "localhost" || name.endsWith(".localhost") || name === hostname) return podIp;
  return hosts.get(name);
}

const familyOf = (family: LookupOptions["family"]): Family =>
  family === 4 || family === "IPv4" ? 4 : family === 6 || family === "IPv6" ? 6 : 0;

/** IPv4 first: the cluster has nothing else. IPv6 is asked for when wanted, or when a name outside has no IPv4 address. */
async function ask(
  resolver: dns.promises.Resolver,
  name: string,
  family: Family,
  asked: string,
): Promise<LookupAddress[]> {
  const four = family === 6 ? [] : await quietly(resolver.resolve4(name), asked);
  if (four.length > 0 || family === 4) return four.map((address) => ({ address, family: 4 }));
  return (await quietly(resolver.resolve6(name), asked)).map((address) => ({ address, family: 6 }));
}

async function quietly(answer: Promise<string[]>, asked: string): Promise<string[]> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof Error && "code" in error && negative.has(String(error.code))) return [];
    throw lookupError("EAI_AGAIN", asked, error);
  }
}

/** The error of Node's own lookup. */
const lookupError = (code: "ENOTFOUND" | "EAI_AGAIN", hostname: string, cause?: unknown): SystemError =>
  new SystemError("getaddrinfo", code, code === "ENOTFOUND" ? -3008 : -3001, hostname, cause);
