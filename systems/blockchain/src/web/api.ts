/** Serves the table of routes. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { type Access, type ApiKeys, createGate } from "./access.ts";
import type { WebBackend } from "./backend.ts";
import { success } from "./envelope.ts";
import type { EventHub } from "./events.ts";
import { addressOf } from "./limits/client-address.ts";
import { accessAt, type Mount, type Route } from "./routes/route.ts";
import { routes } from "./routes/table.ts";
import { securityHeaders } from "./safety.ts";
import { envelope } from "./schemas.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** Default: open. */
    readonly access?: Access;
  }
}

export interface ApiContext {
  readonly backend: WebBackend;
  readonly events: EventHub;
  readonly now: () => number;
  /** `/api/v1` spends and mines without a key. */
  readonly openSpending: boolean;
  readonly trustedHops: number;
}

/** Before limits are looked at nobody is let in, and before keys are looked at everybody is limited: guessing keys is limited too. */
export function installKeys(server: FastifyInstance, keys: ApiKeys): void {
  const gate = createGate(keys);
  server.addHook("onRequest", async (request) => {
    const { access = "open" } = request.routeOptions.config;
    const key = request.headers["x-api-key"];
    // What isn't there is told to admins only, too.
    const asked = request.is404 ? accessOfUnknown(request.url) : access;
    gate(asked, Array.isArray(key) ? undefined : key);
  });
}

const accessOfUnknown = (url: string): Access =>
  url.startsWith("/api/admin/") ? "admin" : url.startsWith("/api/wallet/") ? "wallet" : "open";

export function installApi(server: FastifyInstance, context: ApiContext): void {
  for (const row of routes) for (const mount of row.at) serve(server, mount, row, context);
  for (const mount of ["v1", "wallet", "admin"] as const) serveEvents(server, mount, context);
}

function serve(server: FastifyInstance, mount: Mount, row: Route, { backend, now, openSpending }: ApiContext): void {
  const access = accessAt(mount, row, openSpending);
  const status = row.status ?? 200;
  server.route({
    method: row.method,
    url: `/api/${mount}${row.path}`,
    config: { access },
    schema: {
      tags: [mount === "v1" ? row.tag : `${row.tag} (${mount})`],
      summary: row.summary,
      ...(row.params && { params: row.params }),
      ...(row.query && { querystring: row.query }),
      ...(row.body && { body: row.body }),
      response: { [status]: envelope(row.answer) },
      ...(access !== "open" && { security: [{ key: [] }] }),
    },
    handler: async (request, reply) => {
      const { params, query, body } = request;
      const data = await row.handle({ backend, params, query, body, signal: goneSignal(reply) });
      return reply.status(status).send(success(data, now()));
    },
  });
}

function serveEvents(server: FastifyInstance, mount: Mount, { events, trustedHops }: ApiContext): void {
  server.get(
    `/api/${mount}/events`,
    {
      // A stream without an end can't be asked for its head.
      exposeHeadRoute: false,
      config: { access: mount === "v1" ? "open" : mount },
      schema: {
        tags: [mount === "v1" ? "Events" : `Events (${mount})`],
        summary: `New blocks and transactions${mount === "v1" ? "" : ", and the wallets' payments"}, as Server-Sent Events`,
        response: { 200: { type: "string", description: "text/event-stream" } },
      },
    },
    async (request: FastifyRequest, reply: FastifyReply) => {
      const id = request.headers["last-event-id"];
      const address = addressOf(request, trustedHops);
      // Once taken over, nobody would answer for an error.
      events.admit(address);
      reply.hijack();
      for (const [name, value] of Object.entries({ ...securityHeaders, ...reply.getHeaders() }))
        if (value !== undefined) reply.raw.setHeader(name, value);
      const audience = mount === "v1" ? "public" : "wallet";
      events.join(reply.raw, { address, audience, lastId: typeof id === "string" ? id : undefined });
    },
  );
}

function goneSignal({ raw }: FastifyReply): AbortSignal {
  const gone = new AbortController();
  raw.once("close", () => {
    if (!raw.writableFinished) gone.abort();
  });
  return gone.signal;
}
