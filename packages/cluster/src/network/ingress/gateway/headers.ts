/** The headers of a request on its way through. Pure. */
import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";

/** Of one hop only (RFC 9110 7.6.1), and what the gateway has answered itself. */
const hopByHop = ["connection", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade", "expect"];

/** Clients may not say these of themselves: a backend relies on them. */
const forwarded = [
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-port",
  "x-forwarded-proto",
  "x-real-ip",
  "forwarded",
];

/** `rawHeaders` without those of this hop and without `also`. */
export function endToEnd({ rawHeaders, headers }: IncomingMessage, also: readonly string[] = []): string[] {
  const named = (headers.connection ?? "").split(",").map((name) => name.trim().toLowerCase());
  const dropped = new Set([...hopByHop, ...named, ...also]);
  return rawHeaders.flatMap((name, index) =>
    index % 2 === 0 && !dropped.has(name.toLowerCase()) ? [name, rawHeaders[index + 1] ?? ""] : [],
  );
}

export interface Arrival {
  readonly scheme: string;
  readonly port: number;
}

/** What the backend gets: the client's headers, its Host among them, and where the request came from. */
export function requestHeaders(request: IncomingMessage, { scheme, port }: Arrival): string[] {
  const { headers, socket } = request;
  const client = socket.remoteAddress ?? "";
  return [
    ...endToEnd(request, forwarded),
    ...(headers["transfer-encoding"] ? ["Transfer-Encoding", "chunked"] : []),
    ...(headers["x-request-id"] ? [] : ["X-Request-ID", randomUUID()]),
    ...["X-Real-IP", client, "X-Forwarded-For", client, "X-Forwarded-Host", headers.host ?? ""],
    ...["X-Forwarded-Port", String(port), "X-Forwarded-Proto", scheme],
  ];
}

/** Those of an upgrade: of this hop, and yet the backend must see them. */
export const upgradeHeaders = ({ headers }: IncomingMessage): string[] => [
  ...["Connection", "Upgrade", "Upgrade", headers.upgrade ?? ""],
];
