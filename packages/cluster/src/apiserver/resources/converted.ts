/**
 * A kind served in a second version: its stored objects in another form, converted on the way in and out. Watches and tables are those of
 * the stored version; patches are not served.
 */
import { isObject } from "../../machinery/json.ts";
import type { ResourceDescriptor } from "../../machinery/store.ts";
import type { ApiObject, Stored } from "../../machinery/types.ts";
import { badRequest } from "../../machinery/write/refusals.ts";
import { parseBody, readBody } from "../http/body.ts";
import { listOptions, writeOptions } from "../http/options.ts";
import { noSuchRoute } from "../http/refusals.ts";
import { addWarnings, sendJson } from "../http/respond.ts";
import { formOf } from "./forms.ts";
import { existing, type ResourceHandler, resourceVerbs } from "./verbs.ts";
import type { VirtualResource } from "./virtual.ts";

export interface Conversion {
  readonly stored: Pick<ResourceDescriptor, "group" | "version" | "plural">;
  readonly isUpdated: boolean;
  toServed(object: Stored<ApiObject>): object;
  toStored(body: object): ApiObject;
}

type Names = Pick<VirtualResource, "group" | "version" | "kind" | "plural" | "singular" | "shortNames" | "categories">;

/** The resource in its second version; namespaced. */
export function convertedResource(names: Names, conversion: Conversion): VirtualResource {
  const { stored, isUpdated } = conversion;
  const write = writer(names, conversion);
  const handlers: Readonly<Record<string, ResourceHandler | undefined>> = {
    get: (context, call, resource) =>
      sendJson(call.response, 200, conversion.toServed(existing(context, call, resource))),
    list: lister(names, conversion),
    create: write,
    ...(isUpdated && { update: write }),
    delete: resourceVerbs.delete,
    deletecollection: resourceVerbs.deletecollection,
  };
  return {
    ...names,
    namespaced: true,
    verbs: Object.keys(handlers),
    subresources: [],
    serve(context, call) {
      const resource = context.store.find(stored.group, stored.version, stored.plural);
      if (resource === undefined) throw noSuchRoute();
      return handlers[call.info.verb]?.(context, call, resource);
    },
  };
}

const lister =
  ({ group, version, kind }: Names, { toServed }: Conversion): ResourceHandler =>
  (context, call, resource) => {
    const { request, response, info } = call;
    if (formOf(context, request, info.query, resource) !== undefined)
      return resourceVerbs.list?.(context, call, resource);
    const page = context.store.page(resource, listOptions(info.query, info.namespace));
    sendJson(response, 200, {
      kind: `${kind}List`,
      apiVersion: `${group}/${version}`,
      metadata: { resourceVersion: page.resourceVersion },
      items: page.items.map(toServed),
    });
  };

const writer =
  ({ kind }: Names, { toServed, toStored }: Conversion): ResourceHandler =>
  async ({ store }, call, resource) => {
    const { request, response, info } = call;
    const options = writeOptions(info.query, request.headers["user-agent"], "CreateOptions");
    const body = await parseBody(await readBody(request), request.headers["content-type"], kind);
    if (!isObject(body)) throw badRequest(`the object provided is unrecognized (must be of type ${kind})`);
    const object = toStored(body);
    const result =
      info.verb === "create"
        ? await store.post(resource, info.namespace, object, options)
        : await store.put(resource, info.namespace, info.name, object, options);
    addWarnings(response, result.warnings);
    sendJson(response, result.created ? 201 : 200, toServed(result.object));
  };
