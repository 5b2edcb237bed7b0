/**
 * Gives a process the pod's own loopback: what it binds to "any" address or to localhost is bound to the pod's address, what
 * it connects to on localhost is the pod, and its connections leave from there.
 *
 * The seam is the handle under `net` and `dgram` (libuv's TCP and UDP), not their public functions: everything ends there
 * with a plain address, after every way to spell options, after name resolution, TLS and address-family attempts. Wrapping
 * `net.connect` and `Server.listen` was rejected: localAddress would have to be chosen before a name is resolved.
 */
import { NetworkError } from "../errors.ts";

/** The methods of a handle that carry an address. All return 0 or a negative libuv error. */
export interface Handle {
  bind(address: string, port: number, flags?: number): number;
  bind6(address: string, port: number, flags?: number): number;
  connect(...args: unknown[]): number;
  connect6(...args: unknown[]): number;
}

const unspecified = new Set(["", "0.0.0.0", "::"]);
const localhost = new Set(["127.0.0.1", "::1", "::ffff:127.0.0.1"]);

/** The address to use instead of `address`; undefined to leave it. */
export function ownAddress(address: string, podIp: string): string | undefined {
  return unspecified.has(address) || localhost.has(address) ? podIp : undefined;
}

/** Connecting to the unspecified address means localhost on Linux. */
export const ownTarget = (address: string, podIp: string): string => ownAddress(address, podIp) ?? address;

/** Both binds; IPv6 wildcard and localhost become the pod's IPv4 address. Returns the handles that have an address. */
export function patchBind(prototype: Handle, podIp: string): WeakSet<Handle> {
  const bound = new WeakSet<Handle>();
  const { bind, bind6 } = prototype;
  Object.assign(prototype, {
    bind(this: Handle, address: string, port: number, flags?: number): number {
      bound.add(this);
      return bind.call(this, ownAddress(address, podIp) ?? address, port, flags);
    },
    bind6(this: Handle, address: string, port: number, flags?: number): number {
      bound.add(this);
      const own = ownAddress(address, podIp);
      return own ? bind.call(this, own, port, 0) : bind6.call(this, address, port, flags);
    },
  });
  return bound;
}

export function checkedPrototype(handle: unknown, methods: readonly string[]): object {
  const prototype: unknown = typeof handle === "object" && handle !== null ? Object.getPrototypeOf(handle) : undefined;
  if (
    typeof prototype === "object" &&
    prototype !== null &&
    methods.every((name) => typeof Reflect.get(prototype, name) === "function")
  )
    return prototype;
  throw new NetworkError(
    "UnsupportedRuntime",
    `Node.js ${process.version} does not have the socket handles that the pod network hooks into; run the cluster with Node.js 20 to 24`,
  );
}
