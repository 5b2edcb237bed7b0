import type { ApiObject } from "../types.ts";
import { fill } from "./fill.ts";

/** The classes that every cluster has. */
export const systemPriorityClasses: readonly ApiObject[] = [
  systemClass("system-node-critical", 2000001000, "pods that must not be moved from their current node."),
  systemClass(
    "system-cluster-critical",
    2000000000,
    "pods that must run in the cluster, but can be moved to another node if necessary.",
  ),
];

function systemClass(name: string, value: number, purpose: string): ApiObject {
  return { metadata: { name }, value, description: `Used for system critical ${purpose}` };
}

export function defaultPriorityClass(priorityClass: ApiObject): void {
  fill(priorityClass, { preemptionPolicy: "PreemptLowerPriority" });
}
