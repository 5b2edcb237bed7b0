/**
 * `kubectl exec`, `attach` and `port-forward`. Two transports (WebSocket, and raw SPDY/3.1 by an HTTP upgrade), two things to do; each
 * pair is one row below.
 */
import type { IncomingMessage } from "node:http";
import { type WebSocket, WebSocketServer } from "ws";
import { StatusError } from "../machinery/errors.ts";
import { StreamError } from "./errors.ts";
import { refuse, switchProtocols } from "./http.ts";
import { commandOverSpdy, commandProtocol } from "./spdy/command.ts";
import { SpdyConnection } from "./spdy/connection.ts";
import { forwardOverConnection, forwardProtocol } from "./spdy/forward.ts";
import type { PodStream, StreamContext } from "./types.ts";
import { commandOverWebSocket, commandProtocols } from "./websocket/command.ts";
import { channelProtocol, forwardOverChannels, forwardOverTunnel, tunnelProtocol } from "./websocket/forward.ts";

/** kubectl sends 32 KiB at a time, libraries hardly more. */
const maxMessageBytes = 4 << 20;

interface Transport {
  /** Subprotocols in our order of preference. */
  readonly protocols: readonly string[];
  /** Rejections before the upgrade become HTTP answers, later ones end the socket. */
  run(context: StreamContext, protocol: string): Promise<void>;
}

type Kind = "command" | "forward";

const webSocket: Readonly<Record<Kind, Transport>> = {
  command: {
    protocols: commandProtocols,
    run: (context, protocol) => commandOverWebSocket(context, () => openWebSocket(context, protocol)),
  },
  forward: {
    protocols: [tunnelProtocol, channelProtocol],
    run: async (context, protocol) =>
      protocol === tunnelProtocol
        ? forwardOverTunnel(context, await openWebSocket(context, protocol))
        : forwardOverChannels(context, () => openWebSocket(context, protocol)),
  },
};

const spdy: Readonly<Record<Kind, Transport>> = {
  command: {
    protocols: [commandProtocol],
    run: (context, protocol) => commandOverSpdy(context, () => openSpdy(context, protocol)),
  },
  forward: {
    protocols: [forwardProtocol],
    run: (context, protocol) => forwardOverConnection(context, openSpdy(context, protocol)),
  },
};

/** Serves one upgraded request to its end. Never throws; owns the socket. */
export function handlePodStream(stream: PodStream): void {
  const { request, socket, head } = stream;
  const gone = new AbortController();
  socket.on("error", () => socket.destroy());
  socket.once("close", () => gone.abort());
  if (head.length > 0 && !isWebSocket(request)) socket.unshift(head);
  let isUpgraded = false;
  const onUpgrade = (): void => {
    isUpgraded = true;
  };
  serve({ ...stream, signal: gone.signal, onUpgrade }).catch((error: unknown) => {
    if (isUpgraded) socket.destroy();
    else refuse(socket, error);
  });
}

async function serve(context: StreamContext): Promise<void> {
  const { request, subresource } = context;
  const isWs = isWebSocket(request);
  if (!isWs && request.headers.upgrade?.toUpperCase() !== "SPDY/3.1")
    throw new StatusError("BadRequest", "Upgrade request required");
  const transport = (isWs ? webSocket : spdy)[subresource === "portforward" ? "forward" : "command"];
  const offered = offeredProtocols(request, isWs ? "sec-websocket-protocol" : "x-stream-protocol-version");
  const protocol = transport.protocols.find((name) => offered.includes(name));
  if (!protocol)
    throw new StatusError(
      "Forbidden",
      `unable to negotiate protocol: client supports [${offered.join(" ")}], server accepts [${transport.protocols.join(" ")}]`,
    );
  await transport.run(context, protocol);
}

const isWebSocket = (request: IncomingMessage): boolean => request.headers.upgrade?.toLowerCase() === "websocket";

const offeredProtocols = ({ headers }: IncomingMessage, name: string): string[] =>
  [headers[name] ?? []]
    .flat()
    .flatMap((line) => line.split(","))
    .map((word) => word.trim());

/** Rejects when the client leaves, or its handshake is not one (it has been answered then). */
function openWebSocket({ request, socket, head, onUpgrade }: StreamContext, protocol: string): Promise<WebSocket> {
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: maxMessageBytes,
    perMessageDeflate: false,
    handleProtocols: () => protocol,
  });
  onUpgrade();
  return new Promise((resolve, reject) => {
    socket.once("close", () => reject(new StreamError("Reset", "the client left during the handshake")));
    server.handleUpgrade(request, socket, head, (client) => {
      // Errors of a connection end it; there is nobody else to tell.
      client.on("error", () => client.terminate());
      resolve(client);
    });
  });
}

function openSpdy({ socket, onUpgrade }: StreamContext, protocol: string): SpdyConnection {
  onUpgrade();
  switchProtocols(socket, { Connection: "Upgrade", Upgrade: "SPDY/3.1", "X-Stream-Protocol-Version": protocol });
  return new SpdyConnection(socket, "server");
}
