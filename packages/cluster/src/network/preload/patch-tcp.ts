/** TCP of a pod; see handles.ts. */
import net from "node:net";
import type { Flow } from "../policy/decide.ts";
import { Connections, ownerOf } from "./connections.ts";
import type { PolicyGuard } from "./guard.ts";
import { checkedPrototype, type Handle, ownTarget, patchBind } from "./handles.ts";

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

/** libuv's error for a packet that nobody answers. */
const timedOut = -110;

export function patchTcp(podIp: string, guard: PolicyGuard): void {
  const prototype = tcpPrototype();
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

function closeHandle(handle: unknown): void {
  if (typeof handle === "object" && handle !== null && "close" in handle && typeof handle.close === "function")
    handle.close();
}
