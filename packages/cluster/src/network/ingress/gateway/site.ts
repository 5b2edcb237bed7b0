/** One address of the Ingress: its listeners, its routes, its certificates. */
import { createServer, type Server, type ServerOptions } from "node:http";
import { createServer as createSecureServer, Server as SecureServer } from "node:https";
import type { IngressSite } from "../types.ts";
import { forward } from "./forward.ts";
import { type Gate, route } from "./gate.ts";
import { ServerNames, secureOptions } from "./server-names.ts";
import { upgrade } from "./upgrade.ts";
import type { Upstreams } from "./upstreams.ts";

/** Per listener; further connections are closed at once. */
const maxConnections = 2048;
/** Slow clients: a request's head must be there in a minute, and so must anything further. Its body may take as long as it moves. */
const timeouts: ServerOptions = { headersTimeout: 60_000, requestTimeout: 0, keepAliveTimeout: 75_000 };
const idleMs = 75_000;

/** Taken where the usual port is held by another program, or needs a privilege that this process lacks. */
const ports = { http: [80, 8080], https: [443, 8443] } as const;
type Scheme = keyof typeof ports;

export class Site {
  readonly #upstreams: Upstreams;
  readonly #names = new ServerNames();
  readonly #servers: Server[] = [];
  /** Upgraded connections, which their server does not close. */
  readonly #upgraded = new Set<{ destroy(): void }>();
  #row: IngressSite;
  #isClosed = false;

  constructor(row: IngressSite, upstreams: Upstreams) {
    this.#row = row;
    this.#upstreams = upstreams;
    this.#names.update(row.certificates);
  }

  update(row: IngressSite): void {
    this.#row = row;
    this.#names.update(row.certificates);
    for (const server of this.#servers)
      if (server instanceof SecureServer) server.setSecureContext(this.#names.fallback);
  }

  /** Where it listens: at each host, http and https, at the first port that can be had. */
  async listen(): Promise<string[]> {
    const hosts = [this.#row.address, ...(this.#row.isOnLoopback ? ["127.0.0.1"] : [])];
    const opened = hosts.flatMap((host) => [this.#open(host, "http"), this.#open(host, "https")]);
    return (await Promise.all(opened)).filter((url) => url !== undefined);
  }

  close(): void {
    this.#isClosed = true;
    for (const server of this.#servers.splice(0)) {
      server.close();
      server.closeAllConnections();
    }
    for (const socket of this.#upgraded) socket.destroy();
  }

  async #open(host: string, scheme: Scheme): Promise<string | undefined> {
    for (const port of ports[scheme]) {
      const server = this.#createServer(scheme, port);
      const isOpen = await listening(server, host, port);
      if (isOpen && this.#isClosed) server.close();
      if (!isOpen || this.#isClosed) continue;
      this.#servers.push(server);
      return `${scheme}://${host}${port === ports[scheme][0] ? "" : `:${port}`}`;
    }
    return undefined;
  }

  #createServer(scheme: Scheme, port: number): Server {
    const server =
      scheme === "http" ? createServer(timeouts) : createSecureServer({ ...timeouts, ...secureOptions(this.#names) });
    const gate: Gate = {
      scheme,
      port,
      upstreams: this.#upstreams,
      route: (request) => route(this.#row.routes, request),
    };
    server.maxConnections = maxConnections;
    server.setTimeout(idleMs);
    server.on("request", (request, response) => forward(gate, request, response));
    server.on("upgrade", (request, socket, head) => {
      this.#upgraded.add(socket.once("close", () => this.#upgraded.delete(socket)));
      upgrade(gate, request, socket, head);
    });
    return server;
  }
}

const listening = (server: Server, host: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    server.once("error", () => resolve(false));
    server.listen({ host, port, exclusive: true }, () => resolve(true));
  });
