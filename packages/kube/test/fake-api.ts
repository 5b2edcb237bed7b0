import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { fixedCredentials } from "../src/config/credentials.ts";
import type { KubeConnection } from "../src/config/types.ts";

export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

export type Handler = (seen: Seen, response: ServerResponse, request: IncomingMessage) => void;

/** An API server made of one function, on loopback. Everything that was asked is in `seen`. */
export async function fakeApi(handler: Handler) {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part) => parts.push(part));
    request.on("end", () => {
      const url = new URL(request.url ?? "/", "http://fake");
      const { method = "", headers } = request;
      const entry = {
        method,
        path: url.pathname,
        query: url.searchParams,
        headers,
        body: Buffer.concat(parts).toString(),
      };
      seen.push(entry);
      handler(entry, response, request);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const connection: KubeConnection = {
    server: `http://127.0.0.1:${port}`,
    namespace: "blue",
    tls: {},
    credentials: fixedCredentials("Bearer t"),
  };
  return {
    connection,
    seen,
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export const json = (response: ServerResponse, value: unknown, status = 200): void => {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(value));
};

export const status = (code: number, reason: string, message = reason) => ({
  kind: "Status",
  status: "Failure",
  code,
  reason,
  message,
});
