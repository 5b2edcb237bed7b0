import type { IncomingMessage, ServerResponse } from "node:http";
import type { Registry } from "prom-client";

/** Undefined when all is well, otherwise the reason why not. A throw counts as its message; no answer within a second as "no answer". */
export type HealthCheck = () => string | undefined | Promise<string | undefined>;

export interface HealthReport {
  readonly status: "ok" | "failing";
  readonly checks: Readonly<Record<string, string>>;
}

/**
 * `/healthz/live`, `/healthz/ready` and `/metrics` on one port, served from start to stop by every replica, leader or not.
 * 200 when every check passes, otherwise 503; the JSON body is a `HealthReport`.
 */
export interface HealthServer {
  /** Throws PodError `stopped` where it has no listener of its own, as `port` does. */
  readonly host: string;
  readonly port: number;
  /** Where the system registers its own metrics. */
  readonly metrics: Registry;
  /** Adds a readiness check; returns the function that removes it. */
  ready(name: string, check: HealthCheck): () => void;
  /** Adds a liveness check: only for what a restart would cure. */
  live(name: string, check: HealthCheck): () => void;
  /** Answers a request that came to another listener, which shares its port with health. */
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** Unready from now on, whatever the checks say: used by the lifecycle while the pod starts and stops. Undefined lifts it. */
  hold(reason: string | undefined): void;
  stop(): Promise<void>;
}

export interface HealthOptions {
  /** Default: every address inside Kubernetes, outside `POD_IP`, else 127.0.0.1. */
  readonly host?: string;
  /** Default: `HEALTH_PORT`, `METRICS_PORT`, else 8080; 0 chooses a free one. */
  readonly port?: number;
  /** Process metrics (memory, CPU, event-loop lag). Default true. */
  readonly defaultMetrics?: boolean;
  readonly env?: Readonly<Record<string, string | undefined>>;
}
