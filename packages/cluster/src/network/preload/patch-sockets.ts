/**
 * Gives a process the pod's own loopback: what it binds to "any" address or to localhost is bound to the pod's address, what
 * it connects to on localhost is the pod, and its connections leave from there.
 *
 * The seam is the handle under `net` and `dgram` (libuv's TCP and UDP), not their public functions: everything ends there
 * with a plain address, after every way to spell options, after name resolution, TLS and address-family attempts. Wrapping
 * `net.connect` and `Server.listen` was rejected: localAddress would have to be chosen before a name is resolved.
 */
import dgram from "node:dgram";
import net from "node:net";
import { NetworkError } from "../errors.ts";
import type { Flow } from "../policy/decide.ts";
import { Connections, ownerOf } from "./connections.ts";
import type { PolicyGuard } from "./guard.ts";

/** The methods of a handle that carry an address. All return 0 or a negative libuv error. */
interface Handle {
  bind(address: string, port: number, flags?: number): number;
  bind6(address: string, port: number, flags?: number): number;
  connect(...args: unknown[]): number;
  connect6(...args: unknown[]): number;
}

interface TcpHandle extends Handle {
  listen(backlog: number): number;
  getpeername(into: object): number;
  getsockname(into: object): number;
  close(): void;
  onconnection(status: number, client?: TcpHandle): void;
}

interface ConnectRequest {
  oncomplete(status: number, handle: unknown, request: ConnectRequest, readable: boolean, writable: boolean): void;
}

const unspecified = new Set(["", "0.0.0.0", "::"]);
const localhost = new Set(["127.0.0.1", "::1", "::ffff:127.0.0.1"]);

/** The address to use instead of `address`; undefined to leave it. */
export function ownAddress(address: string, podIp: string): string | undefined {
  return unspecified.has(address) || localhost.has(address) ? podIp : undefined;
}

/** libuv's error for a packet that nobody answers. */
const timedOut = -110;

export function patchSockets(podIp: string, guard: PolicyGuard): void {
  patchTcp(tcpPrototype(), podIp, guard);
  patchUdp(udpPrototype(), podIp);
}

function patchTcp(prototype: TcpHandle, podIp: string, guard: PolicyGuard): void {
  const bound = patchBind(prototype, podIp);
  const connections = new Connections(guard);
  const { connect, connect6, listen } = prototype;
  const connectTo = function (this: Handle, request: ConnectRequest, peer: string, port: number): number {
    const flow: Flow = { direction: "egress", peer, port, protocol: "TCP" };
    if (!guard.permits(flow)) return drop(this, request);
    if (peer.startsWith("127.") && !bound.has(this)) this.bind(podIp, 0);
    connections.add(this, flow);
    return connect.call(this, request, peer, port);
  };
  Object.assign(prototype, {
    connect(this: Handle, request: ConnectRequest, address: string, port: number): number {
      return connectTo.call(this, request, ownTarget(address, podIp), port);
    },
    connect6(this: Handle, request: ConnectRequest, address: string, port: number): number {
      const target = ownTarget(address, podIp);
      return target === podIp
        ? connectTo.call(this, request, target, port)
        : connect6.call(this, request, address, port);
    },
    listen(this: TcpHandle, backlog: number): number {
      const accept = this.onconnection;
      this.onconnection = function (this: TcpHandle, status: number, client?: TcpHandle): void {
        const flow = client && incoming(client);
        const isPermitted = !flow || guard.permits(flow);
        if (!isPermitted) client?.close();
        else accept.call(this, status, client);
        if (isPermitted && client && flow) connections.add(client, flow);
      };
      return listen.call(this, backlog);
    },
  });
}

/** The flow of an accepted connection; undefined when it is gone already. */
function incoming(client: TcpHandle): Flow | undefined {
  const peer: { address?: string } = {};
  const own: { port?: number } = {};
  if (client.getpeername(peer) !== 0 || client.getsockname(own) !== 0) return undefined;
  return { direction: "ingress", peer: peer.address ?? "", port: own.port ?? 0, protocol: "TCP" };
}

/** Connecting to the unspecified address means localhost on Linux. */
const ownTarget = (address: string, podIp: string): string => ownAddress(address, podIp) ?? address;

/** How long a dropped connection attempt hangs unless its owner gives up first; Linux takes about two minutes. */
const dropMs = 120_000;
/** How soon the end of a socket that gave up is noticed. */
const checkMs = 250;

/** Behaves like packets that are lost: no refusal, a timeout at last. Keeps the process alive meanwhile, as connecting does. */
function drop(handle: Handle, request: ConnectRequest): number {
  const until = performance.now() + dropMs;
  const timer = setInterval(() => {
    const isOver = performance.now() >= until;
    if (isOver || !ownerOf(handle)) clearInterval(timer);
    if (isOver) request.oncomplete(timedOut, handle, request, true, true);
  }, checkMs);
  return 0;
}

/** Both binds; IPv6 wildcard and localhost become the pod's IPv4 address. Returns the handles that have an address. */
function patchBind(prototype: Handle, podIp: string): WeakSet<Handle> {
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

function patchUdp(
  prototype: Handle & { send(...args: unknown[]): number; send6(...args: unknown[]): number },
  podIp: string,
) {
  patchBind(prototype, podIp);
  const { connect, connect6, send, send6 } = prototype;
  Object.assign(prototype, {
    connect(this: Handle, address: string, port: number): number {
      return connect.call(this, ownTarget(address, podIp), port);
    },
    connect6(this: Handle, address: string, port: number): number {
      const target = ownTarget(address, podIp);
      return target === podIp ? connect.call(this, target, port) : connect6.call(this, address, port);
    },
    // (request, buffers, count, port, address, hasCallback) to an address, (request, buffers, count, hasCallback) when connected.
    send(this: Handle, ...args: unknown[]): number {
      return send.apply(this, withTarget(args, podIp));
    },
    send6(this: Handle, ...args: unknown[]): number {
      const changed = withTarget(args, podIp);
      return (changed === args ? send6 : send).apply(this, changed);
    },
  });
}

function withTarget(args: unknown[], podIp: string): unknown[] {
  const address = args[4];
  const own = typeof address === "string" ? ownAddress(address, podIp) : undefined;
  return own ? args.with(4, own) : args;
}

function tcpPrototype(): TcpHandle {
  const create: unknown = "_createServerHandle" in net ? net._createServerHandle : undefined;
  const handle: unknown = typeof create === "function" ? create("127.0.0.1", 0, 4) : undefined;
  const prototype = checkedPrototype(handle, [
    "bind",
    "bind6",
    "connect",
    "connect6",
    "listen",
    "getpeername",
    "getsockname",
  ]);
  closeHandle(handle);
  return prototype as TcpHandle;
}

function udpPrototype() {
  const socket = dgram.createSocket("udp4");
  const key = Object.getOwnPropertySymbols(socket).find(({ description }) => description === "state symbol");
  const state: unknown = key && Reflect.get(socket, key);
  const handle: unknown = typeof state === "object" && state !== null && "handle" in state ? state.handle : undefined;
  const prototype = checkedPrototype(handle, ["bind", "bind6", "connect", "connect6", "send", "send6"]);
  socket.close();
  return prototype as Handle & { send(...args: unknown[]): number; send6(...args: unknown[]): number };
}

function checkedPrototype(handle: unknown, methods: readonly string[]): object {
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

function closeHandle(handle: unknown): void {
  if (typeof handle === "object" && handle !== null && "close" in handle && typeof handle.close === "function")
    handle.close();
}
