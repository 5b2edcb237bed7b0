/** Peer connections over TCP. */

import { lookup } from "node:dns/promises";
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { messageOf } from "../../errors.ts";
import { P2pError } from "../errors.ts";
import type { Listener, Transport, Wiring } from "./transport.ts";

const DIAL_TIMEOUT_MS = 10_000;
const LISTEN_BACKLOG = 128;
const KEEP_ALIVE_MS = 30_000;

export const tcpWiring: Wiring = {
  async listen(host, port, accept) {
    const server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS }, (socket) =>
      accept(transportOf(socket, true)),
    );
    server.listen({ host, port, backlog: LISTEN_BACKLOG });
    await once(server, "listening").catch((cause: unknown) => {
      throw new P2pError("connection", `can't listen on ${host}:${port}: ${messageOf(cause)}`, { cause });
    });
    return listenerOf(server, host);
  },

  async dial(host, port, signal) {
    const socket = connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS });
    try {
      socket.setTimeout(DIAL_TIMEOUT_MS, () => socket.destroy(new P2pError("connection", "no answer in time")));
      await once(socket, "connect", { signal });
      socket.setTimeout(0);
      return transportOf(socket, false);
    } catch (cause) {
      socket.destroy();
      throw new P2pError("connection", `${host}:${port} is not reached: ${messageOf(cause)}`, { cause });
    }
  },

  resolve: async (host) => (await lookup(host, { family: 0 })).address,
};

function listenerOf(server: Server, host: string): Listener {
  const address = server.address();
  return {
    host,
    port: typeof address === "object" && address !== null ? address.port : 0,
    // Connections belong to their peers, which the network closes.
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

function transportOf(socket: Socket, isInbound: boolean): Transport {
  // Errors come out of `chunks`; a socket without a listener would take the process down.
  socket.on("error", () => undefined);
  return {
    host: plainAddress(socket.remoteAddress ?? ""),
    port: socket.remotePort ?? 0,
    isInbound,
    chunks: socket,
    get queuedBytes() {
      return socket.writableLength;
    },
    write(bytes) {
      if (socket.writable) socket.write(bytes);
    },
    async drained() {
      if (!socket.writableNeedDrain || socket.destroyed) return;
      await new Promise<void>((resolve) => {
        const done = (): void => {
          socket.off("drain", done).off("close", done);
          resolve();
        };
        socket.on("drain", done).on("close", done);
      });
    },
    close: () => socket.destroy(),
  };
}

/** An IPv4 peer of a socket that listens on both families shows up as ::ffff:a.b.c.d. */
const plainAddress = (address: string): string => address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/, "");
