/** The Kubernetes API over HTTPS: what `kubectl` and client libraries talk to. */
import { setMaxListeners } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import type { Kubelet } from "../kubelet/types.ts";
import { systemClock } from "../machinery/clock.ts";
import { StatusError } from "../machinery/errors.ts";
import type { ApiStore } from "../machinery/store.ts";
import type { Clock } from "../machinery/types.ts";
import type { AddressPlan } from "../network/types.ts";
import { authenticate } from "./auth/authenticate.ts";
import { authorize } from "./auth/authorize.ts";
import { aggregateClusterRoles, bootstrapRbac } from "./auth/bootstrap.ts";
import { openRbac } from "./auth/rbac.ts";
import type { Tokens } from "./auth/tokens.ts";
import type { ApiContext, Call, PodStreamHandler, RequestFaults } from "./context.ts";
import { type ConnectionLimits, defaultLimits, refuseConnection, serverOptions } from "./http/limits.ts";
import { parseRequest } from "./http/request-info.ts";
import { sendError } from "./http/respond.ts";
import { createRequestCounters } from "./metrics.ts";
import type { Pki } from "./pki/pki.ts";
import { signCertificateRequests } from "./pki/signing.ts";
import { serveUpgrade } from "./pods/streams.ts";
import { route } from "./route.ts";

export interface ApiServerOptions {
  readonly store: ApiStore;
  readonly kubelet: Kubelet;
  readonly pki: Pki;
  readonly tokens: Tokens;
  readonly plan: AddressPlan;
  readonly clock?: Clock | undefined;
  /** Address to listen on; the plan's API server address unless told. */
  readonly host?: string | undefined;
  /** 6443 unless told; 0 takes a free one. */
  readonly port?: number | undefined;
  readonly limits?: Partial<ConnectionLimits> | undefined;
  /** Serves exec, attach and port-forward; without it they are refused. */
  readonly podStreams?: PodStreamHandler | undefined;
  /** Asked about every authorized request before it is served. */
  readonly faults?: RequestFaults | undefined;
  /** Told of errors that are the server's own fault, which clients see as InternalError; prints them unless told otherwise. */
  readonly report?: ((error: unknown) => void) | undefined;
}

export interface ApiServer {
  /** `https://host:port`, as kubeconfigs name it. */
  readonly url: string;
  readonly port: number;
  /** Ends watches and streams, finishes requests under way (at most a second), and frees the port. */
  stop(): Promise<void>;
}

const defaultPort = 6443;
const stopGraceMs = 1000;

/** Resolves once the default roles exist and the port is open. */
export async function startApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { store, kubelet, pki, tokens, plan, clock = systemClock, podStreams, report = console.error } = options;
  const stopping = new AbortController();
  setMaxListeners(0, stopping.signal); // one for each open watch
  const rbac = openRbac(store);
  const counters = createRequestCounters();
  const context: ApiContext = {
    store,
    kubelet,
    tokens,
    rbac,
    clock,
    plan,
    counters,
    stopping: stopping.signal,
    podStreams,
    faults: options.faults,
    report,
  };
  await bootstrapRbac(store);
  const stopAggregation = aggregateClusterRoles(store);
  const stopSigning = signCertificateRequests(store, pki, report);

  const limits = { ...defaultLimits, ...options.limits };
  const clients = { ca: pki.caPem, requestCert: true, rejectUnauthorized: false }; // those without come with a token
  const server = createServer({ cert: pki.certificatePem, key: pki.keyPem, ...clients, ...serverOptions(limits) });
  server.maxConnections = limits.connections;
  server.on("request", (request, response) => void serve(context, request, response));
  server.on("upgrade", (request, socket, head) => serveUpgrade(context, request, socket, head));
  const upgraded = trackUpgrades(server);
  const host = options.host ?? plan.apiServer;
  const port = await listen(server, host, options.port ?? defaultPort);

  const end = async () => {
    stopping.abort();
    stopAggregation();
    stopSigning();
    rbac.stop();
    for (const socket of upgraded) socket.destroy();
    await close(server);
  };
  let ended: Promise<void> | undefined;
  const stop = () => {
    ended ??= end();
    return ended;
  };
  return { url: `https://${host}:${port}`, port, stop };
}

async function serve(context: ApiContext, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method = "GET", url = "/" } = request;
  let verb = method;
  let resource = "";
  try {
    const info = parseRequest(method, url);
    verb = info.verb;
    resource = info.resource;
    const user = authenticate(request, info.path, context.tokens, context.rbac);
    authorize(context.rbac, user, info);
    const call: Call = { request, response, info, user };
    const fault = context.faults?.meet(call);
    if (fault === undefined || (await fault)) await route(context, call);
  } catch (error) {
    if (!(error instanceof StatusError)) context.report(error);
    sendError(request, response, error);
  }
  context.counters.count(verb, resource, response.statusCode);
}

/** Connections that left HTTP are no longer the server's to close. */
function trackUpgrades(server: Server): ReadonlySet<Duplex> {
  const sockets = new Set<Duplex>();
  server.on("upgrade", (_request: IncomingMessage, socket: Duplex) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  return sockets;
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      server.on("clientError", refuseConnection);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), stopGraceMs);
  await closed;
  clearTimeout(timer);
}
