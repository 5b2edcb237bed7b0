/** UDP of a pod; see handles.ts. */
import dgram from "node:dgram";
import { Conversations } from "./conversations.ts";
import type { PolicyGuard } from "./guard.ts";
import { checkedPrototype, type Handle, ownAddress, ownTarget, patchBind } from "./handles.ts";

interface Sender {
  readonly address: string;
  readonly port: number;
}

type OnMessage = (size: number, handle: UdpHandle, bytes: Buffer | undefined, sender: Sender | undefined) => void;

/** `send` takes (request, buffers, count, port, address, hasCallback), or (request, buffers, count, hasCallback) once connected. */
interface UdpHandle extends Handle {
  send(...args: unknown[]): number;
  send6(...args: unknown[]): number;
  recvStart(): number;
  getsockname(into: object): number;
  onmessage: OnMessage;
}

export function patchUdp(podIp: string, guard: PolicyGuard): void {
  const prototype = udpPrototype();
  const conversations = new Conversations(guard);
  const connected = new WeakMap<UdpHandle, Sender>();
  patchBind(prototype, podIp);
  const { connect, connect6, send, send6, recvStart } = prototype;
  const isSent = (handle: UdpHandle, args: readonly unknown[]): boolean => {
    const peer = typeof args[4] === "string" ? { address: args[4], port: Number(args[3]) } : connected.get(handle);
    return !peer || conversations.permits(handle, "egress", peer, peer.port);
  };
  Object.assign(prototype, {
    connect(this: UdpHandle, address: string, port: number): number {
      connected.set(this, { address: ownTarget(address, podIp), port });
      return connect.call(this, ownTarget(address, podIp), port);
    },
    connect6(this: UdpHandle, address: string, port: number): number {
      const target = ownTarget(address, podIp);
      return target === podIp ? connect.call(this, target, port) : connect6.call(this, address, port);
    },
    send(this: UdpHandle, ...args: unknown[]): number {
      const changed = withTarget(args, podIp);
      return isSent(this, changed) ? send.apply(this, changed) : lost(changed);
    },
    send6(this: UdpHandle, ...args: unknown[]): number {
      const changed = withTarget(args, podIp);
      return changed === args ? send6.apply(this, args) : send.apply(this, changed);
    },
    recvStart(this: UdpHandle): number {
      const deliver = this.onmessage;
      const own: { port?: number } = {};
      this.onmessage = (size, handle, bytes, sender) => {
        if (own.port === undefined) handle.getsockname(own);
        const isPermitted = !sender || conversations.permits(handle, "ingress", sender, own.port ?? 0);
        if (isPermitted) deliver(size, handle, bytes, sender);
      };
      return recvStart.call(this);
    },
  });
}

/** What the handle says of a datagram that went out at once: its size, plus one. */
function lost([, buffers]: readonly unknown[]): number {
  const parts = Array.isArray(buffers) ? buffers : [];
  return parts.reduce((sum: number, part: { length: number }) => sum + part.length, 1);
}

function withTarget(args: unknown[], podIp: string): unknown[] {
  const address = args[4];
  const own = typeof address === "string" ? ownAddress(address, podIp) : undefined;
  return own ? args.with(4, own) : args;
}

function udpPrototype(): UdpHandle {
  const socket = dgram.createSocket("udp4");
  const key = Object.getOwnPropertySymbols(socket).find(({ description }) => description === "state symbol");
  const state: unknown = key && Reflect.get(socket, key);
  const handle: unknown = typeof state === "object" && state !== null && "handle" in state ? state.handle : undefined;
  const methods = ["bind", "bind6", "connect", "connect6", "send", "send6", "recvStart", "getsockname"];
  const prototype = checkedPrototype(handle, methods);
  socket.close();
  return prototype as UdpHandle;
}
