/**
 * HorizontalPodAutoscalers as `autoscaling/v1`, which `kubectl autoscale` still writes: the stored `autoscaling/v2` objects in the older form, that has
 * one CPU target in place of the list of metrics. Patches are not served in this version.
 */
import type { HorizontalPodAutoscaler as V1 } from "kubernetes-types/autoscaling/v1.js";
import type { MetricSpec, HorizontalPodAutoscaler as V2 } from "kubernetes-types/autoscaling/v2.js";
import { isObject } from "../../machinery/json.ts";
import type { ApiObject, Stored } from "../../machinery/types.ts";
import { badRequest } from "../../machinery/write/refusals.ts";
import { parseBody, readBody } from "../http/body.ts";
import { writeOptions } from "../http/options.ts";
import { noSuchRoute } from "../http/refusals.ts";
import { addWarnings, sendJson } from "../http/respond.ts";
import { formOf } from "./forms.ts";
import { existing, type ResourceHandler, resourceVerbs } from "./verbs.ts";
import type { VirtualResource } from "./virtual.ts";

const apiVersion = "autoscaling/v1";
const kind = "HorizontalPodAutoscaler";

const handlers: Readonly<Record<string, ResourceHandler | undefined>> = {
  get: (context, call, resource) => sendJson(call.response, 200, toV1(existing(context, call, resource))),
  list,
  create: write,
  update: write,
  delete: resourceVerbs.delete,
  deletecollection: resourceVerbs.deletecollection,
};

export const autoscalingV1: VirtualResource = {
  group: "autoscaling",
  version: "v1",
  kind,
  plural: "horizontalpodautoscalers",
  singular: "horizontalpodautoscaler",
  namespaced: true,
  shortNames: ["hpa"],
  categories: ["all"],
  verbs: Object.keys(handlers),
  subresources: [],
  serve(context, call) {
    const resource = context.store.find("autoscaling", "v2", "horizontalpodautoscalers");
    if (resource === undefined) throw noSuchRoute();
    return handlers[call.info.verb]?.(context, call, resource);
  },
};

function list(...[context, call, resource]: Parameters<ResourceHandler>): ReturnType<ResourceHandler> {
  const { request, response, info } = call;
  if (formOf(context, request, info.query, resource) !== undefined)
    return resourceVerbs.list?.(context, call, resource);
  const page = context.store.page(resource, info.namespace === "" ? {} : { namespace: info.namespace });
  const items = page.items.map(toV1);
  sendJson(response, 200, {
    kind: `${kind}List`,
    apiVersion,
    metadata: { resourceVersion: page.resourceVersion },
    items,
  });
}

async function write(...[{ store }, call, resource]: Parameters<ResourceHandler>): Promise<void> {
  const { request, response, info } = call;
  const options = writeOptions(info.query, request.headers["user-agent"], "CreateOptions");
  const body = await parseBody(await readBody(request), request.headers["content-type"], kind);
  if (!isObject(body)) throw badRequest(`the object provided is unrecognized (must be of type ${kind})`);
  const object = toV2(body as V1);
  const result =
    info.verb === "create"
      ? await store.post(resource, info.namespace, object, options)
      : await store.put(resource, info.namespace, info.name, object, options);
  addWarnings(response, result.warnings);
  sendJson(response, result.created ? 201 : 200, toV1(result.object));
}

/** The stored form of a v1 object. Exported for tests. */
export function toV2({ metadata, spec }: V1): ApiObject {
  const { targetCPUUtilizationPercentage: percent, ...rest } = spec ?? {};
  const metrics: MetricSpec[] =
    percent === undefined
      ? []
      : [{ type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: percent } } }];
  return {
    apiVersion: "autoscaling/v2",
    kind,
    ...(metadata && { metadata }),
    spec: { ...rest, ...(metrics.length > 0 && { metrics }) },
  };
}

/** The v1 form of a stored object; what v1 can't say is left out. Exported for tests. */
export function toV1(object: Stored<ApiObject>): V1 {
  const { metadata, spec, status } = object as V2;
  const target = spec?.metrics?.find(({ resource }) => resource?.name === "cpu")?.resource?.target.averageUtilization;
  const current = status?.currentMetrics?.find(({ resource }) => resource?.name === "cpu")?.resource?.current
    .averageUtilization;
  const { scaleTargetRef, minReplicas, maxReplicas = 0 } = spec ?? {};
  return {
    kind,
    apiVersion,
    ...(metadata && { metadata }),
    spec: {
      maxReplicas,
      scaleTargetRef: scaleTargetRef ?? { kind: "", name: "" },
      ...(minReplicas !== undefined && { minReplicas }),
      ...(target !== undefined && { targetCPUUtilizationPercentage: target }),
    },
    status: {
      currentReplicas: status?.currentReplicas ?? 0,
      desiredReplicas: status?.desiredReplicas ?? 0,
      ...(status?.lastScaleTime && { lastScaleTime: status.lastScaleTime }),
      ...(current !== undefined && { currentCPUUtilizationPercentage: current }),
    },
  };
}
