/**
 * Which 127.<net>.0.0/16 a cluster owns. The claim is a listening socket: it needs no file, holds between users and
 * processes, and the kernel drops it when the process dies however it dies.
 */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { addressPlan } from "./addresses.ts";
import { NetworkError, systemCode } from "./errors.ts";

/** On the API server's address, beside its port. Nothing is ever served there. */
const lockPort = 6440;
const networks = 254;
const defaultNetwork = 10;

export interface NetworkClaim {
  /** Second octet of the claimed 127.<net>.0.0/16. */
  readonly net: number;
  /** 53 where this process may bind it, otherwise 5353. */
  readonly dnsPort: number;
  /** Gives the network back. Idempotent. */
  release(): Promise<void>;
}

/**
 * Claims a network that no other cluster on this machine holds: `preferred` (default 10) or the next free one.
 * @throws NetworkError NoNetworkFree
 */
export async function claimNetwork(options: { readonly preferred?: number } = {}): Promise<NetworkClaim> {
  const first = options.preferred ?? defaultNetwork;
  for (let offset = 0; offset < networks; offset++) {
    const net = 1 + ((first - 1 + offset) % networks);
    const lock = await tryLock(net);
    if (lock) return { net, dnsPort: await dnsPortOf(net), release: () => close(lock) };
  }
  throw new NetworkError(
    "NoNetworkFree",
    "every network from 127.1.0.0/16 to 127.254.0.0/16 belongs to a cluster; stop one",
  );
}

/** The listening lock, or undefined when another cluster holds that network. */
async function tryLock(net: number): Promise<Server | undefined> {
  const { apiServer } = addressPlan(net);
  const lock = createServer((socket) => socket.destroy()).unref();
  try {
    lock.listen({ host: apiServer, port: lockPort, exclusive: true });
    await once(lock, "listening");
    return lock;
  } catch (error) {
    if (systemCode(error) === "EADDRINUSE") return undefined;
    throw cannotUse(apiServer, error);
  }
}

function cannotUse(address: string, cause: unknown): NetworkError {
  const advice =
    systemCode(cause) === "EADDRNOTAVAIL"
      ? "this system gives out loopback addresses one by one; add them as aliases of lo0 (ifconfig lo0 alias)"
      : "check that this process may listen on loopback";
  return new NetworkError("NoNetworkFree", `cannot listen on ${address}: ${advice}`, cause);
}

/** Ports below 1024 may need a privilege: ask the kernel by binding rather than guess. */
async function dnsPortOf(net: number): Promise<number> {
  const probe = createSocket("udp4");
  try {
    probe.bind({ address: addressPlan(net).dns, port: 53, exclusive: true });
    await once(probe, "listening");
    return 53;
  } catch {
    return 5353;
  } finally {
    probe.close();
  }
}

async function close(server: Server): Promise<void> {
  if (!server.listening) return;
  server.close();
  await once(server, "close");
}
