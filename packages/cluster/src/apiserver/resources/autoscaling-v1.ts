/**
 * HorizontalPodAutoscalers as `autoscaling/v1`, which `kubectl autoscale` still writes: the stored `autoscaling/v2` objects in the older form, that has
 * one CPU target in place of the list of metrics. Patches are not served in this version.
 */
import type { HorizontalPodAutoscaler as V1 } from "kubernetes-types/autoscaling/v1.js";
import type { MetricSpec, HorizontalPodAutoscaler as V2 } from "kubernetes-types/autoscaling/v2.js";
import type { ApiObject, Stored } from "../../machinery/types.ts";
import { convertedResource } from "./converted.ts";

const apiVersion = "autoscaling/v1";
const kind = "HorizontalPodAutoscaler";
const plural = "horizontalpodautoscalers";

export const autoscalingV1 = convertedResource(
  {
    group: "autoscaling",
    version: "v1",
    kind,
    plural,
    singular: "horizontalpodautoscaler",
    shortNames: ["hpa"],
    categories: ["all"],
  },
  {
    stored: { group: "autoscaling", version: "v2", plural },
    isUpdated: true,
    toServed: toV1,
    toStored: (body) => toV2(body as V1),
  },
);

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
