/** From a request to the one who answers it. */
import { keyOfResource } from "../machinery/resources/row.ts";
import type { ApiContext, Call } from "./context.ts";
import { methodNotAllowed, noSuchRoute } from "./http/refusals.ts";
import { addWarnings } from "./http/respond.ts";
import { servePath } from "./paths.ts";
import { findSubresource } from "./resources/subresources.ts";
import { type ResourceHandler, resourceVerbs } from "./resources/verbs.ts";
import { findVirtual } from "./resources/virtual.ts";

/** Answers `call`, or throws (rejects with) a StatusError. */
export function route(context: ApiContext, call: Call): Promise<void> | void {
  const { info } = call;
  if (!info.isResource) return servePath(context, call);
  const resource = context.store.find(info.group, info.version, info.resource);
  addWarnings(call.response, deprecations[`${info.group}/${info.version}/${info.resource}`] ?? []);
  if (resource === undefined) return routeVirtual(context, call);
  if (!resource.namespaced && info.namespace !== "" && info.resource !== "namespaces") throw noSuchRoute();
  if (resource.namespaced && info.namespace === "" && !isAcrossNamespaces(info))
    throw info.name === "" ? methodNotAllowed() : noSuchRoute();
  return handlerFor(call, keyOfResource(resource), resource.verbs)(context, call, resource);
}

/** What Kubernetes says of versions that it would rather see go. */
const deprecations: Readonly<Record<string, readonly string[]>> = {
  "/v1/endpoints": ["v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"],
  "/v1/componentstatuses": ["v1 ComponentStatus is deprecated in v1.19+"],
};

function routeVirtual(context: ApiContext, call: Call): Promise<void> | void {
  const { info } = call;
  const virtual = findVirtual(info.group, info.version, info.resource);
  if (virtual === undefined) throw noSuchRoute();
  if (!virtual.verbs.includes(info.verb === "watch" ? "list" : info.verb)) throw methodNotAllowed();
  return virtual.serve(context, call);
}

const isAcrossNamespaces = ({ verb, name }: Call["info"]): boolean =>
  name === "" && (verb === "list" || verb === "watch");

function handlerFor({ info }: Call, key: string, verbs: readonly string[]): ResourceHandler {
  if (info.subresource === "") {
    const handler = verbs.includes(info.verb) ? resourceVerbs[info.verb] : undefined;
    if (handler === undefined) throw methodNotAllowed();
    return handler;
  }
  const subresource = findSubresource(key, info.subresource);
  if (subresource === undefined) throw noSuchRoute();
  if (!subresource.verbs.includes(info.verb)) throw methodNotAllowed();
  return subresource.serve;
}
