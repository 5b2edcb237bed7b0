/** Addresses that are no resources: discovery, version, health, metrics, OpenAPI. */
import type { ApiContext, Call } from "./context.ts";
import { serveOpenApi } from "./discovery/openapi.ts";
import { serveCoreVersions, serveGroup, serveGroups, serveVersion as serveGroupVersion } from "./discovery/serve.ts";
import { health, isHealthPath } from "./health.ts";
import { methodNotAllowed, noSuchRoute } from "./http/refusals.ts";
import { sendBytes, sendJson } from "./http/respond.ts";
import { serverVersion } from "./version.ts";

type PathHandler = (context: ApiContext, call: Call) => Promise<void> | void;

const rootPaths = [
  "/api",
  "/apis",
  "/healthz",
  "/livez",
  "/metrics",
  "/openapi/v2",
  "/openapi/v3",
  "/readyz",
  "/version",
];

const exact: Readonly<Record<string, PathHandler>> = {
  "/": (_context, { response }) => sendJson(response, 200, { paths: rootPaths }),
  "/version": (_context, { response }) => sendJson(response, 200, serverVersion),
  "/metrics": ({ counters }, { response }) => sendBytes(response, 200, counters.render(), "text/plain; version=0.0.4"),
  "/healthz": health("healthz"),
  "/livez": health("livez"),
  "/readyz": health("readyz"),
  "/api": serveCoreVersions,
  "/apis": serveGroups,
};

export function servePath(context: ApiContext, call: Call): Promise<void> | void {
  const { method, path } = call.info;
  if (method !== "GET" && method !== "HEAD") throw methodNotAllowed();
  const trimmed = path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
  return (exact[trimmed] ?? nested(trimmed))(context, call);
}

function nested(path: string): PathHandler {
  const [first, ...rest] = path.slice(1).split("/");
  if (first === "apis" && rest.length === 1) return (context, call) => serveGroup(context, call, rest[0] ?? "");
  if (first === "apis" && rest.length === 2)
    return (context, call) => serveGroupVersion(context, call, rest[0] ?? "", rest[1] ?? "");
  if (first === "api" && rest.length === 1)
    return (context, call) => serveGroupVersion(context, call, "", rest[0] ?? "");
  if (first === "openapi") return serveOpenApi;
  if (isHealthPath(first)) return health(first, rest.join("/"));
  throw noSuchRoute();
}
