import { NetworkError } from "./errors.ts";
import type { AddressPlan, AddressRange } from "./types.ts";

/** Host octets 0 and 255 stay unused: programs that check their input take them for network and broadcast addresses. */
const hostsPerBlock = 254;

/** The hosts of `127.<net>.<first>.0/24` to `127.<net>.<last>.0/24`. */
function range(net: number, first: number, last: number): AddressRange {
  const size = (last - first + 1) * hostsPerBlock;
  return {
    size,
    at(index) {
      if (!Number.isInteger(index) || index < 0 || index >= size)
        throw new NetworkError("InvalidNetwork", `address index ${index} is outside 0-${size - 1}`);
      return `127.${net}.${first + Math.floor(index / hostsPerBlock)}.${1 + (index % hostsPerBlock)}`;
    },
    contains(address) {
      const octets = address.split(".").map(Number);
      const [a, b, c, d] = octets;
      if (octets.length !== 4 || a !== 127 || b !== net || c === undefined || d === undefined) return false;
      return c >= first && c <= last && d >= 1 && d <= hostsPerBlock;
    },
  };
}

export interface AddressPlanOptions {
  /** Default 53. */
  readonly dnsPort?: number;
  /** Default `cluster.local`. */
  readonly domain?: string;
}

/** The plan of the cluster that owns 127.`net`.0.0/16; `net` is 1-254. Pure: claims nothing (see `claimNetwork`). */
export function addressPlan(net: number, options: AddressPlanOptions = {}): AddressPlan {
  if (!Number.isInteger(net) || net < 1 || net > 254)
    throw new NetworkError("InvalidNetwork", `network 127.${net}.0.0/16 cannot be used; choose 1-254`);
  const nodes = range(net, 1, 1);
  return {
    apiServer: `127.${net}.0.1`,
    dns: `127.${net}.0.10`,
    dnsPort: options.dnsPort ?? 53,
    domain: options.domain ?? "cluster.local",
    node: nodes.at,
    pods: range(net, 16, 127),
    services: range(net, 128, 239),
    loadBalancers: range(net, 240, 255),
  };
}

/** Whether `address` is IPv4 loopback, 127.0.0.0/8. */
export const isLoopback = (address: string): boolean => address.startsWith("127.");
