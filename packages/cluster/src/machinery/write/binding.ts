/** The binding subresource: gives a pod its node, once. */
import type { ApiObject, Stored } from "../types.ts";
import { timestamp } from "./metadata.ts";
import { badRequest, conflict } from "./refusals.ts";

const pods = { group: "", plural: "pods" };

/** The pod with the node of a Binding, marked as scheduled. Throws BadRequest or Conflict. */
export function withBinding(pod: Stored<ApiObject>, binding: ApiObject, now: number): ApiObject {
  const { name, uid } = pod.metadata;
  const nodeName = binding.target?.name;
  if (typeof nodeName !== "string" || nodeName === "") throw badRequest("target.name: Required value");
  if (pod.metadata.deletionTimestamp)
    throw conflict(pods, name, `pod ${name} is being deleted, cannot be assigned to a host`);
  if (pod.spec.nodeName)
    throw conflict(pods, name, `pod ${name} is already assigned to node ${JSON.stringify(pod.spec.nodeName)}`);
  const others = (pod.status?.conditions ?? []).filter((condition: ApiObject) => condition.type !== "PodScheduled");
  const scheduled = {
    type: "PodScheduled",
    status: "True",
    observedGeneration: pod.metadata.generation,
    lastProbeTime: null,
    lastTransitionTime: timestamp(now),
  };
  return {
    ...pod,
    metadata: { ...pod.metadata, uid: binding.metadata?.uid ?? uid },
    spec: { ...pod.spec, nodeName },
    status: { ...pod.status, conditions: [...others, scheduled] },
  };
}
