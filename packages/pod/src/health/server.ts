import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Registry } from "prom-client";
import { PodError } from "../errors.ts";
import { Checks } from "./checks.ts";
import type { HealthCheck, HealthOptions, HealthServer } from "./types.ts";

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** A probe or a scraper holds one or two connections; more than this is somebody else. */
const maxConnections = 64;
const requestTimeoutMs = 5_000;
/** How often the event loop's delay is sampled. The library's own 10 ms wake an idle process a hundred times a second, a quarter of what an idle member of whitewater cost. */
const loopDelaySampleMs = 100;

/** Starts serving. Rejects with PodError `listen` when the address is taken. */
export async function serveHealth(options: HealthOptions = {}): Promise<HealthServer> {
  const endpoint = await createEndpoint(options);
  await endpoint.listen(hostOf(options), portOf(options));
  return endpoint;
}

/** The same without a listener, for a system whose only port serves everything: see `HealthServer.handle`. */
export const createHealth = (options: Pick<HealthOptions, "defaultMetrics"> = {}): Promise<HealthServer> =>
  createEndpoint(options);

async function createEndpoint(options: Pick<HealthOptions, "defaultMetrics">): Promise<HealthEndpoint> {
  const { Registry: MetricsRegistry, collectDefaultMetrics } = await import("prom-client").then(
    (module) => module.default,
  );
  const metrics = new MetricsRegistry();
  if (options.defaultMetrics !== false)
    collectDefaultMetrics({ register: metrics, eventLoopMonitoringPrecision: loopDelaySampleMs });
  return new HealthEndpoint(metrics);
}

class HealthEndpoint implements HealthServer {
  readonly metrics: Registry;
  readonly #live = new Checks();
  readonly #ready = new Checks();
  readonly #server: Server;
  readonly #routes: Readonly<Record<string, () => Promise<Answer>>> = {
    "/healthz/live": () => this.#report(this.#live),
    "/healthz/ready": () => this.#report(this.#ready),
    "/metrics": async () => ({ status: 200, type: this.metrics.contentType, body: await this.metrics.metrics() }),
  };
  #hold: string | undefined;
  #stopped: Promise<void> | undefined;

  constructor(metrics: Registry) {
    this.metrics = metrics;
    this.#ready.add("lifecycle", () => this.#hold);
    this.#server = createServer(
      { requestTimeout: requestTimeoutMs, headersTimeout: requestTimeoutMs },
      (request, response) => {
        void this.handle(request, response);
      },
    );
    this.#server.maxConnections = maxConnections;
  }

  get host(): string {
    return this.#address().address;
  }

  get port(): number {
    return this.#address().port;
  }

  listen(host: string | undefined, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const refuse = (cause: Error) =>
        reject(
          new PodError(
            "listen",
            `health can't listen on ${host ?? "*"}:${port}; set HEALTH_PORT to a free port: ${cause.message}`,
            { cause },
          ),
        );
      this.#server.once("error", refuse);
      this.#server.listen({ port, ...(host !== undefined && { host }) }, () => {
        this.#server.off("error", refuse);
        resolve();
      });
    });
  }

  ready(name: string, check: HealthCheck): () => void {
    return this.#ready.add(name, check);
  }

  live(name: string, check: HealthCheck): () => void {
    return this.#live.add(name, check);
  }

  hold(reason: string | undefined): void {
    this.#hold = reason;
  }

  stop(): Promise<void> {
    this.#stopped ??= new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
      this.metrics.clear();
    });
    return this.#stopped;
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.resume();
    const { status, type, body } = await this.#answer(request);
    response.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(body) });
    response.end(request.method === "HEAD" ? undefined : body);
  }

  async #answer({ method, url = "/" }: IncomingMessage): Promise<Answer> {
    if (method !== "GET" && method !== "HEAD") return plain(405, "only GET is served here\n");
    const route = this.#routes[url.split("?", 1)[0] ?? ""];
    if (!route) return plain(404, `try ${Object.keys(this.#routes).join(", ")}\n`);
    return route().catch((error: unknown) => plain(500, `${error}\n`));
  }

  async #report(checks: Checks): Promise<Answer> {
    const report = await checks.run();
    const status = report.status === "ok" ? 200 : 503;
    return { status, type: "application/json", body: `${JSON.stringify(report)}\n` };
  }

  #address(): { readonly address: string; readonly port: number } {
    const address = this.#server.address();
    if (typeof address === "object" && address !== null) return address;
    throw new PodError("stopped", "the health server is not listening");
  }
}

const plain = (status: number, body: string): Answer => ({ status, type: "text/plain; charset=utf-8", body });

/**
 * In Kubernetes every address: probes come from outside, port-forwards by localhost. Without one, the address that the pod was given (several
 * may share this machine), else nobody but this machine.
 */
function hostOf({ host, env = process.env }: HealthOptions): string | undefined {
  if (host !== undefined) return host;
  return env.KUBERNETES_SERVICE_HOST ? undefined : env.POD_IP || "127.0.0.1";
}

function portOf({ port, env = process.env }: HealthOptions): number {
  const value = port ?? Number(env.HEALTH_PORT || env.METRICS_PORT || 8080);
  if (Number.isInteger(value) && value >= 0 && value <= 65_535) return value;
  throw new PodError("config", `HEALTH_PORT must be a port number, not "${env.HEALTH_PORT ?? env.METRICS_PORT}"`);
}
