/** `pods/NAME/proxy` and `services/NAME/proxy`: HTTP passed on to a pod (https://kubernetes.io/docs/tasks/access-application-cluster/access-cluster-services/). */
import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { pipeline } from "node:stream/promises";
import type { Pod, Service } from "kubernetes-types/core/v1.js";
import { StatusError } from "../../machinery/errors.ts";
import type { Registry } from "../../machinery/types.ts";
import { notFound } from "../../machinery/write/refusals.ts";
import type { ApiContext, Call } from "../context.ts";
import type { ResourceHandler } from "../resources/verbs.ts";

interface Target {
  readonly host: string;
  readonly port: number;
}

/** What `[scheme:]name[:port]` in an address names. */
interface Wanted {
  readonly isTls: boolean;
  readonly name: string;
  /** A number or a name; empty for the first. */
  readonly port: string;
}

/** Exported for tests. */
export function parseProxyName(text: string): Wanted {
  const parts = text.split(":");
  const [scheme, name = "", port = ""] = parts.length === 3 ? parts : ["", ...parts];
  if (parts.length > 3 || !["", "http", "https"].includes(scheme ?? ""))
    throw new StatusError("BadRequest", `invalid proxy request ${JSON.stringify(text)}`);
  return { isTls: scheme === "https", name, port };
}

export const servePodProxy: ResourceHandler = (context, call) => serve(context, call, podTarget);
export const serveServiceProxy: ResourceHandler = (context, call) => serve(context, call, serviceTarget);

type FindTarget = (store: Registry, namespace: string, wanted: Wanted) => Target;

async function serve({ store, stopping }: ApiContext, call: Call, find: FindTarget): Promise<void> {
  const { info, request, response } = call;
  const wanted = parseProxyName(info.name);
  const target = find(store, info.namespace, wanted);
  const gone = new AbortController();
  response.on("close", () => gone.abort());
  const signal = AbortSignal.any([gone.signal, stopping]);
  const answer = await ask(call, target, wanted.isTls, signal);
  response.writeHead(answer.statusCode ?? 502, withoutHops(answer.headers));
  await pipeline(answer, response).catch(() => response.destroy()); // one of the two left
  request.resume();
}

function ask({ request }: Call, { host, port }: Target, isTls: boolean, signal: AbortSignal): Promise<IncomingMessage> {
  const { authorization: _, ...headers } = withoutHops(request.headers);
  const options = { host, port, signal, method: request.method, path: pathAfterProxy(request.url ?? ""), headers };
  return new Promise((resolve, reject) => {
    // Pods' certificates are their own business: nobody here could know whom to trust.
    const outgoing = isTls ? httpsRequest({ ...options, rejectUnauthorized: false }) : httpRequest(options);
    outgoing.on("response", resolve);
    outgoing.on("error", (error) => reject(unreachable(error, host, port)));
    request.pipe(outgoing);
  });
}

/** The rest of the address as the client wrote it, which decoding and encoding again might change. */
function pathAfterProxy(url: string): string {
  const rest = /^\/api\/v1\/namespaces\/[^/]+\/(?:pods|services)\/[^/]+\/proxy(.*)$/s.exec(url)?.[1] ?? "";
  return rest.startsWith("/") ? rest : `/${rest}`;
}

const hops = new Set(["connection", "keep-alive", "transfer-encoding", "upgrade", "te", "trailer", "proxy-connection"]);

const withoutHops = (headers: IncomingHttpHeaders): IncomingHttpHeaders =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !hops.has(name)));

function podTarget(store: Registry, namespace: string, { name, port }: Wanted): Target {
  const pod = store.get("pods", namespace, name);
  if (pod === undefined) throw notFound({ group: "", plural: "pods" }, name);
  if (!pod.status?.podIP) throw new StatusError("BadRequest", `pod ${name} does not have a host assigned`);
  return { host: pod.status.podIP, port: Number(port) || firstPort(pod) };
}

const httpPort = 80;

const firstPort = ({ spec }: Pod): number =>
  spec?.containers.flatMap(({ ports = [] }) => ports).find(({ containerPort }) => containerPort)?.containerPort ??
  httpPort;

/** A ready address of the Service, any of them. */
function serviceTarget(store: Registry, namespace: string, { name, port }: Wanted): Target {
  const service = store.get("services", namespace, name);
  if (service === undefined) throw notFound({ group: "", plural: "services" }, name);
  const portName = servicePort(service, name, port);
  const targets = (store.get("endpoints", namespace, name)?.subsets ?? []).flatMap(({ addresses = [], ports = [] }) =>
    ports
      .filter((each) => (each.name ?? "") === portName)
      .flatMap((each) => addresses.map(({ ip }) => ({ host: ip, port: each.port }))),
  );
  const target = targets[Math.floor(Math.random() * targets.length)];
  if (target === undefined) throw unavailable(`no endpoints available for service ${JSON.stringify(name)}`);
  return target;
}

function servicePort({ spec }: Service, service: string, wanted: string): string {
  const ports = spec?.ports ?? [];
  const found = ports.find(({ name = "", port }) => wanted === "" || name === wanted || String(port) === wanted);
  if (found === undefined)
    throw unavailable(`no service port ${JSON.stringify(wanted)} found for service ${JSON.stringify(service)}`);
  return found.name ?? "";
}

const unavailable = (message: string): StatusError => new StatusError("ServiceUnavailable", message);

function unreachable(error: NodeJS.ErrnoException, host: string, port: number): StatusError {
  const why = error.code === "ECONNREFUSED" ? "connect: connection refused" : error.message;
  return unavailable(`error trying to reach service: dial tcp ${host}:${port}: ${why}`);
}
