/**
 * Port-forward over WebSocket as the client libraries do it: `?ports=`, and for the port at place i a data channel 2i and an error
 * channel 2i+1. The first message of each channel is its port, two bytes, little-endian. (kubectl tunnels SPDY instead.)
 */

import type { Duplex } from "node:stream";
import { createWebSocketStream, type WebSocket } from "ws";
import { StatusError } from "../../machinery/errors.ts";
import { dialError, readPort } from "../forward.ts";
import { SpdyConnection } from "../spdy/connection.ts";
import { forwardOverConnection } from "../spdy/forward.ts";
import type { StreamContext } from "../types.ts";

export const channelProtocol = "v4.channel.k8s.io";
export const tunnelProtocol = "SPDY/3.1+portforward.k8s.io";

const maxPorts = 64;

/** SPDY frames in binary messages, cut anywhere. */
export function forwardOverTunnel(context: StreamContext, socket: WebSocket): Promise<void> {
  return forwardOverConnection(context, new SpdyConnection(createWebSocketStream(socket), "server"));
}

/** @throws StatusError BadRequest: no port, too many, or not a port */
export async function forwardOverChannels(context: StreamContext, upgrade: () => Promise<WebSocket>): Promise<void> {
  const ports = readPorts(context.query);
  const socket = await upgrade();
  const inputs = ports.map((port, index) => forwardPort(context, socket, port, index));
  socket.on("message", (message: Buffer) => {
    const channel = message[0] ?? 255;
    if (channel % 2 === 0) inputs[channel / 2]?.(message.subarray(1));
  });
}

function readPorts(query: URLSearchParams): number[] {
  const ports = query.getAll("ports").flatMap((value) => value.split(","));
  if (ports.length === 0 || ports.length > maxPorts)
    throw new StatusError("BadRequest", `query parameter "ports" must name 1 to ${maxPorts} ports`);
  return ports.map(readPort);
}

/** Opens one port; the result takes what the client sends there. */
function forwardPort(context: StreamContext, socket: WebSocket, port: number, index: number): (data: Buffer) => void {
  const send = (channel: number, data: Buffer, done?: () => void): void =>
    socket.send(Buffer.concat([Buffer.of(channel), data]), () => done?.());
  const portBytes = Buffer.of(port & 255, port >> 8);
  send(2 * index, portBytes);
  send(2 * index + 1, portBytes);
  const connection = context.kubelet.dial(context.pod, port, context.signal);
  connection.then(
    (pod) => relay(pod, socket, (data, done) => send(2 * index, data, done)),
    (error: unknown) => send(2 * index + 1, Buffer.from(dialError(context.pod, port, error))),
  );
  return (data) =>
    void connection.then(
      (pod) => write(pod, socket, data),
      () => {},
    );
}

/**
 * One read at a time: the pod is read as fast as the socket takes it. These channels cannot say that one of several ports has
 * ended, so the first that does ends the socket; and the socket takes all along.
 */
function relay(pod: Duplex, socket: WebSocket, send: (data: Buffer, done: () => void) => void): void {
  pod.on("error", () => pod.destroy());
  pod.once("close", () => socket.close(1000));
  if (socket.readyState === socket.OPEN) socket.once("close", () => pod.destroy());
  else pod.destroy();
  pod.on("data", (data: Buffer) => {
    pod.pause();
    send(data, () => pod.resume());
  });
  pod.once("end", () => pod.end());
}

function write(pod: Duplex, socket: WebSocket, data: Buffer): void {
  if (data.length === 0 || !pod.writable || pod.write(data)) return;
  socket.pause();
  pod.once("drain", () => socket.resume());
}
