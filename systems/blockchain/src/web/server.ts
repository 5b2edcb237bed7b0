/** The webserver: REST, events, OpenAPI and pages of one node on one port, with every bound that a public server needs. */
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import type { Logger } from "@coracle/pod";
import buildValidators from "@fastify/ajv-compiler";
import fastify, { type FastifyInstance } from "fastify";
import type { Registry } from "prom-client";
import { messageOf } from "../errors.ts";
import { apiKeys } from "./access.ts";
import { installApi, installKeys } from "./api.ts";
import type { WebBackend } from "./backend.ts";
import { failure } from "./envelope.ts";
import { createEventHub, type EventsOptions } from "./events.ts";
import { failureOf } from "./failures.ts";
import { installHealth } from "./health.ts";
import { type Buckets, createBuckets } from "./limits/buckets.ts";
import { installGuard } from "./limits/guard.ts";
import { createLocalStore } from "./limits/local-store.ts";
import { createRedisStore } from "./limits/redis-store.ts";
import type { LimitSettings } from "./limits/types.ts";
import { registerWebMetrics } from "./metrics.ts";
import { installOpenApi } from "./openapi.ts";
import { installPages } from "./pages.ts";
import { installSafety } from "./safety.ts";

export interface WebSettings {
  readonly webHost: string;
  /** 0 chooses a free one. */
  readonly webPort: number;
  readonly bitcoinApiAdminKey?: string | undefined;
  readonly bitcoinApiWalletKey?: string | undefined;
  /** `/api/v1` spends and mines without a key, as the original did. */
  readonly openSpending: boolean;
  readonly trustedProxyHops: number;
  readonly redisPassword?: string | undefined;
}

export interface WebServerOptions {
  readonly backend: WebBackend;
  readonly settings: WebSettings;
  /** See `readLimitSettings`. */
  readonly limits: LimitSettings;
  readonly logger: Logger;
  readonly version: string;
  readonly metrics?: Registry | undefined;
  /** The build of the pages. */
  readonly pagesDir?: string;
  readonly events?: Partial<EventsOptions>;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

export interface WebServer {
  readonly host: string;
  readonly port: number;
  /** Why rate limits are not shared though they should be; undefined while all is well. */
  readonly degraded: string | undefined;
  /** Ends event streams, answers what was begun, for at most the grace. Idempotent. */
  stop(): Promise<void>;
}

const maxBodyBytes = 1024 * 1024;
const maxConnections = 2000;
const stopGraceMs = 5000;
const redisTimeoutMs = 250;
const defaultPages = fileURLToPath(new URL("../../pages/dist", import.meta.url));

/** Resolves once it listens. Rejects with BlockchainError("config") for unusable settings. */
export async function createWebServer(options: WebServerOptions): Promise<WebServer> {
  const { backend, settings, limits, logger, version, now = Date.now } = options;
  const server = bareServer();
  const requests = countRequests(server);
  const buckets = bucketsFor(limits, settings, logger, now);
  const events = createEventHub(backend, options.events);
  const metrics = registerWebMetrics(options.metrics);
  metrics.observe(buckets, events);

  reportFailures(server, logger, now);
  server.addHook("onResponse", async (_, reply) => metrics.answered(reply.statusCode));
  installSafety(server);
  installGuard(server, {
    settings: limits,
    buckets,
    trustedHops: settings.trustedProxyHops,
    refused: metrics.limited,
  });
  installKeys(server, apiKeys(settings, logger));
  await installOpenApi(server, version);
  installHealth(server, { backend, buckets, version, now, startedAt: now() });
  const { openSpending, trustedProxyHops: trustedHops } = settings;
  installApi(server, { backend, events, now, openSpending, trustedHops });
  await installPages(server, options.pagesDir ?? defaultPages);
  // Streams never end by themselves, and close() waits for them.
  server.addHook("preClose", async () => events.stop());
  server.addHook("onClose", async () => buckets.stop());

  try {
    await server.listen({ host: settings.webHost, port: settings.webPort });
  } catch (error) {
    await server.close();
    throw error;
  }
  const { port } = server.server.address() as AddressInfo;
  return {
    host: settings.webHost,
    port,
    get degraded() {
      return buckets.degraded;
    },
    stop: () => stopWithin(server, requests, stopGraceMs),
  };
}

/** Counts requests that are being answered. */
function countRequests(server: FastifyInstance): () => number {
  let open = 0;
  server.server.on("request", (_, response) => {
    open++;
    response.once("close", () => {
      open--;
    });
  });
  return () => open;
}

/**
 * What isn't answered by then is cut off. Once nothing is being answered all connections are closed: browsers keep some open that never asked for
 * anything, which Node.js doesn't count as idle.
 */
async function stopWithin(server: FastifyInstance, requests: () => number, graceMs: number): Promise<void> {
  const sweep = setInterval(() => {
    if (requests() === 0) server.server.closeAllConnections();
  }, 50);
  const cut = setTimeout(() => server.server.closeAllConnections(), graceMs);
  try {
    await server.close();
  } finally {
    clearInterval(sweep);
    clearTimeout(cut);
  }
}

function bareServer(): FastifyInstance {
  const server = fastify({
    logger: false,
    bodyLimit: maxBodyBytes,
    requestTimeout: 30_000,
    // Idle connections; events send a heartbeat more often.
    connectionTimeout: 120_000,
    keepAliveTimeout: 30_000,
    http: { maxHeaderSize: 16 * 1024, headersTimeout: 15_000 },
    forceCloseConnections: "idle",
    routerOptions: { maxParamLength: 128 },
    exposeHeadRoutes: true,
  });
  server.server.maxConnections = maxConnections;
  server.removeContentTypeParser("text/plain");
  const build = buildValidators();
  const common = { removeAdditional: false, useDefaults: true, allErrors: false } as const;
  // Text is all that paths and queries have; in a body a number must be one, for `true` would pay 1 satoshi.
  const lenient = build({}, { customOptions: { ...common, coerceTypes: true } });
  const strict = build({}, { customOptions: { ...common, coerceTypes: false } });
  server.setValidatorCompiler((part) => (part.httpPart === "body" ? strict(part) : lenient(part)));
  return server;
}

function bucketsFor(limits: LimitSettings, settings: WebSettings, logger: Logger, now: () => number): Buckets {
  const { redis } = limits;
  return createBuckets({
    local: createLocalStore(now),
    ...(redis && {
      redis: createRedisStore({ ...redis, password: settings.redisPassword, timeoutMs: redisTimeoutMs }),
    }),
    logger,
  });
}

function reportFailures(server: FastifyInstance, logger: Logger, now: () => number): void {
  server.setErrorHandler((error, request, reply) => {
    const known = failureOf(error);
    if (known === undefined)
      logger.error("a request failed", { route: request.routeOptions.url, error: messageOf(error) });
    const { status, text } = known ?? { status: 500, text: "something failed here; the log says what" };
    return reply.status(status).send(failure(text, now()));
  });
}
