/** Events as `events.k8s.io/v1`: the stored core events in the newer form. */

import type { Event } from "kubernetes-types/core/v1.js";
import type { Event as V1Event } from "kubernetes-types/events/v1.js";
import { isObject } from "../../machinery/json.ts";
import type { ApiObject, Stored } from "../../machinery/types.ts";
import { badRequest } from "../../machinery/write/refusals.ts";
import { parseBody, readBody } from "../http/body.ts";
import { listOptions, writeOptions } from "../http/options.ts";
import { noSuchRoute } from "../http/refusals.ts";
import { addWarnings, sendJson } from "../http/respond.ts";
import { formOf } from "./forms.ts";
import { existing, type ResourceHandler, resourceVerbs } from "./verbs.ts";
import type { VirtualResource } from "./virtual.ts";

const apiVersion = "events.k8s.io/v1";
const kind = "Event";

const handlers: Readonly<Record<string, ResourceHandler | undefined>> = {
  get: (context, call, resource) =>
    sendJson(call.response, 200, toV1(existing(context, call, resource) as Stored<Event>)),
  list,
  create,
  delete: resourceVerbs.delete,
  deletecollection: resourceVerbs.deletecollection,
};

export const eventsV1: VirtualResource = {
  group: "events.k8s.io",
  version: "v1",
  kind,
  plural: "events",
  singular: "event",
  namespaced: true,
  shortNames: ["ev"],
  categories: [],
  verbs: Object.keys(handlers),
  subresources: [],
  serve(context, call) {
    const resource = context.store.find("", "v1", "events");
    if (resource === undefined) throw noSuchRoute();
    return handlers[call.info.verb]?.(context, call, resource);
  },
};

function list(...[context, call, resource]: Parameters<ResourceHandler>): ReturnType<ResourceHandler> {
  const { request, response, info } = call;
  if (formOf(context, request, info.query, resource) !== undefined)
    return resourceVerbs.list?.(context, call, resource);
  const page = context.store.page(resource, listOptions(info.query, info.namespace));
  const items = page.items.map((item) => toV1(item as Stored<Event>));
  const metadata = { resourceVersion: page.resourceVersion };
  sendJson(response, 200, { kind: `${kind}List`, apiVersion, metadata, items });
}

async function create(...[{ store }, call, resource]: Parameters<ResourceHandler>): Promise<void> {
  const { request, response, info } = call;
  const options = writeOptions(info.query, request.headers["user-agent"], "CreateOptions");
  const body = await parseBody(await readBody(request), request.headers["content-type"], kind);
  if (!isObject(body)) throw badRequest(`the object provided is unrecognized (must be of type ${kind})`);
  const result = await store.post(resource, info.namespace, toCore(body as unknown as V1Event), options);
  addWarnings(response, result.warnings);
  sendJson(response, 201, toV1(result.object as Stored<Event>));
}

/** Exported for tests. */
export function toV1(event: Stored<Event>): V1Event {
  const { metadata, involvedObject, message, source, count, firstTimestamp, lastTimestamp, ...rest } = event;
  const { reportingComponent, reportingInstance, eventTime, ...same } = rest;
  return {
    ...same,
    kind,
    apiVersion,
    metadata,
    eventTime: eventTime ?? (null as never),
    regarding: involvedObject,
    ...(message && { note: message }),
    ...((reportingComponent || source?.component) && { reportingController: reportingComponent || source?.component }),
    ...((reportingInstance || source?.host) && { reportingInstance: reportingInstance || source?.host }),
    ...(source && { deprecatedSource: source }),
    ...(firstTimestamp && { deprecatedFirstTimestamp: firstTimestamp }),
    ...(lastTimestamp && { deprecatedLastTimestamp: lastTimestamp }),
    ...(count !== undefined && { deprecatedCount: count }),
  } as V1Event;
}

/** Exported for tests. */
export function toCore(event: V1Event): ApiObject {
  const { regarding, note, reportingController, deprecatedSource, deprecatedCount, ...rest } = event;
  const { deprecatedFirstTimestamp, deprecatedLastTimestamp, ...same } = rest;
  return {
    ...same,
    kind,
    apiVersion: "v1",
    involvedObject: regarding ?? {},
    ...(note && { message: note }),
    reportingComponent: reportingController ?? "",
    reportingInstance: event.reportingInstance ?? "",
    source: deprecatedSource ?? {},
    ...(deprecatedFirstTimestamp && { firstTimestamp: deprecatedFirstTimestamp }),
    ...(deprecatedLastTimestamp && { lastTimestamp: deprecatedLastTimestamp }),
    ...(deprecatedCount !== undefined && { count: deprecatedCount }),
  } as unknown as ApiObject;
}
