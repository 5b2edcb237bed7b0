/** Health over HTTP: answers that can be bad, at every path where the original's probes, scripts and pages look for them. */
import type { FastifyInstance, FastifyReply } from "fastify";
import type { WebBackend } from "./backend.ts";
import { type Envelope, success } from "./envelope.ts";
import type { Buckets } from "./limits/buckets.ts";
import * as schemas from "./schemas.ts";
import type { HealthView } from "./views.ts";

export interface HealthContext {
  readonly backend: WebBackend;
  readonly buckets: Buckets;
  readonly version: string;
  readonly now: () => number;
  readonly startedAt: number;
}

type Check = (backend: WebBackend) => string | undefined | Promise<string | undefined>;

const live: Check = (backend) => backend.notLive();
const ready: Check = async (backend) => (await backend.notLive()) ?? backend.notReady();

const checks: readonly (readonly [string, string, Check])[] = [
  ["", "Health of this node", ready],
  ["/live", "Whether a restart would help: then not 200", live],
  ["/ready", "Whether it should get requests: else not 200", ready],
];
/** The admin's needs the key as all of `/api/admin` does. */
const prefixes = ["/health", "/api/health", "/api/admin/health"];

export function installHealth(server: FastifyInstance, context: HealthContext): void {
  for (const prefix of prefixes)
    for (const [suffix, summary, check] of checks)
      server.get(
        prefix + suffix,
        {
          config: { unlimited: true, access: prefix.includes("admin") ? "admin" : "open" },
          schema: { tags: ["Health"], summary, response: { 200: schemas.envelope(schemas.health) } },
        },
        async (_, reply: FastifyReply) => {
          const reason = await check(context.backend);
          return reply.status(reason === undefined ? 200 : 503).send(report(context, reason));
        },
      );
}

function report({ backend, buckets, version, now, startedAt }: HealthContext, reason?: string): Envelope<HealthView> {
  const { degraded, mode } = buckets;
  const view: HealthView = {
    status: reason !== undefined ? "unhealthy" : degraded !== undefined ? "degraded" : "healthy",
    version,
    uptime_seconds: Math.floor((now() - startedAt) / 1000),
    blockchain_height: backend.chain().height,
    connected_peers: backend.peers().length,
    memory_usage_mb: Math.round(process.memoryUsage.rss() / 2 ** 20),
    rate_limits: { mode, degraded: degraded ?? null },
    reason: reason ?? null,
  };
  return { ...success(view, now()), success: reason === undefined, error: reason ?? null };
}
