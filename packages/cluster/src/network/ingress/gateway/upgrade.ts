/** A request that leaves HTTP (WebSocket and the like): once the backend agrees, its bytes are carried as they are. */
import { type ClientRequest, type IncomingMessage, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Address } from "../../proxy/messages.ts";
import { reset, splice } from "../../proxy/splice.ts";
import { dial } from "./dial.ts";
import { type Gate, type Refusal, refusals } from "./gate.ts";
import { endToEnd, requestHeaders, upgradeHeaders } from "./headers.ts";

/** Nothing in either direction for this long ends it. */
const idleMs = 3_600_000;

export function upgrade(gate: Gate, request: IncomingMessage, duplex: Duplex, head: Buffer): void {
  const client = duplex as Socket;
  client.on("error", () => client.destroy());
  dial(gate, request, {
    headers: [...requestHeaders(request, gate), ...upgradeHeaders(request)],
    isUpgrade: true,
    connected: (upstream, endpoint, backend) => agree({ gate, upstream, endpoint, backend, client, head }),
    refused: (status) => refuse(client, status),
  });
}

interface Handshake {
  readonly gate: Gate;
  readonly upstream: ClientRequest;
  readonly endpoint: Address;
  readonly backend: string;
  readonly client: Socket;
  /** What the client sent right behind its request. */
  readonly head: Buffer;
}

function agree(handshake: Handshake): void {
  const { upstream, client } = handshake;
  const abandon = (): void => void upstream.destroy();
  client.once("close", abandon);
  upstream.once("upgrade", (answer, server, serverHead) => {
    client.off("close", abandon);
    join(handshake, answer, server, serverHead);
  });
  // The backend declines: an ordinary answer, the last on this connection.
  upstream.once("response", (answer) => {
    client.write(responseHead(answer, [...endToEnd(answer), "Connection", "close"]));
    answer.pipe(client);
    answer.once("error", () => client.destroy());
  });
  upstream.end();
}

function join(
  { gate, backend, endpoint, client, head }: Handshake,
  answer: IncomingMessage,
  server: Socket,
  serverHead: Buffer,
): void {
  client.write(responseHead(answer, answer.rawHeaders));
  if (serverHead.length > 0) client.write(serverHead);
  if (head.length > 0) server.write(head);
  for (const socket of [client, server]) socket.setTimeout(idleMs, () => socket.destroy());
  const forget = gate.upstreams.hold(backend, endpoint, () => {
    reset(client);
    reset(server);
  });
  server.once("close", forget);
  splice(client, server);
}

function responseHead({ statusCode = 502, statusMessage = "" }: IncomingMessage, headers: readonly string[]): string {
  const lines = headers.flatMap((name, index) => (index % 2 === 0 ? [`${name}: ${headers[index + 1]}`] : []));
  return `${[`HTTP/1.1 ${statusCode} ${statusMessage}`, ...lines].join("\r\n")}\r\n\r\n`;
}

function refuse(client: Socket, status: Refusal): void {
  const body = refusals[status];
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}`;
  client.end(`${head}\r\nConnection: close\r\n\r\n${body}`);
}
