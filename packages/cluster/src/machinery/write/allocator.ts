/** Addresses and node ports of Services: who holds what, and a free one where none is asked for. */
import { randomInt } from "node:crypto";
import type { AddressPlan } from "../../network/types.ts";
import type { Allocations } from "../resources/row.ts";
import type { ApiObject } from "../types.ts";

export const nodePortRange = { first: 30000, last: 32767 } as const;

/** Host numbers below this are for services that ask for a fixed address, such as the API server's. */
const reservedAddresses = 16;

interface Pool {
  readonly holders: Map<string, string>;
  readonly size: number;
  readonly at: (index: number) => string;
}

/** Tries at random, then in order, so that a freed address is not given out again at once. */
function findFree({ holders, size, at }: Pool, first = 0): string | undefined {
  const start = randomInt(size - first);
  for (let step = 0; step < size - first; step++) {
    const key = at(first + ((start + step) % (size - first)));
    if (!holders.has(key)) return key;
  }
  return undefined;
}

/** A service's holdings: addresses as they are, ports as `TCP/30080`. */
function holdingsOf(service: ApiObject): { addresses: string[]; ports: string[] } {
  const { clusterIPs = [], ports = [], healthCheckNodePort } = service.spec ?? {};
  const nodePorts = ports
    .filter((port: ApiObject) => port.nodePort)
    .map((port: ApiObject) => `${port.protocol ?? "TCP"}/${port.nodePort}`);
  return {
    addresses: clusterIPs.filter((address: string) => address !== "None" && address !== ""),
    ports: healthCheckNodePort ? [...nodePorts, `TCP/${healthCheckNodePort}`] : nodePorts,
  };
}

export class Allocator {
  readonly #addresses = new Map<string, string>();
  readonly #ports = new Map<string, string>();
  readonly #plan: AddressPlan;

  constructor(plan: AddressPlan) {
    this.#plan = plan;
  }

  /** Takes in what a stored service holds. */
  adopt(owner: string, service: ApiObject): void {
    const { addresses, ports } = holdingsOf(service);
    for (const address of addresses) this.#addresses.set(address, owner);
    for (const port of ports) this.#ports.set(port, owner);
  }

  /** Frees what `before` held and `after` no longer does. */
  settle(owner: string, before: ApiObject, after: ApiObject | undefined): void {
    const old = holdingsOf(before);
    const kept = after ? holdingsOf(after) : { addresses: [], ports: [] };
    release(this.#addresses, owner, old.addresses, kept.addresses);
    release(this.#ports, owner, old.ports, kept.ports);
  }

  /** One write's share: what it takes goes back when it fails. */
  begin(): Allocations & { release(): void } {
    const undo: (() => void)[] = [];
    const take = (holders: Map<string, string>, key: string, owner: string): boolean => {
      const holder = holders.get(key);
      if (holder !== undefined) return holder === owner;
      holders.set(key, owner);
      undo.push(() => holders.delete(key));
      return true;
    };
    return {
      takeAddress: (owner, wanted) => {
        const { services } = this.#plan;
        const pool: Pool = { holders: this.#addresses, size: services.size, at: services.at };
        const address = wanted ?? findFree(pool, reservedAddresses);
        return address !== undefined && take(this.#addresses, address, owner) ? address : undefined;
      },
      takeNodePort: (owner, protocol, wanted) => {
        const key = wanted === undefined ? this.#freePort(protocol) : `${protocol}/${wanted}`;
        return key !== undefined && take(this.#ports, key, owner) ? Number(key.split("/")[1]) : undefined;
      },
      release: () => {
        for (const step of undo.splice(0)) step();
      },
    };
  }

  #freePort(protocol: string): string | undefined {
    const { first, last } = nodePortRange;
    return findFree({ holders: this.#ports, size: last - first + 1, at: (index) => `${protocol}/${first + index}` });
  }
}

function release(holders: Map<string, string>, owner: string, old: readonly string[], kept: readonly string[]): void {
  for (const key of old) if (!kept.includes(key) && holders.get(key) === owner) holders.delete(key);
}
