/** The downward API: fields of the pod and resources of a container as text. */
import type { Container, Pod, ResourceFieldSelector } from "kubernetes-types/core/v1.js";
import { parseQuantity } from "../../machinery/quantity.ts";
import { ContainerError } from "../errors.ts";

/** What the status will say, known before it is written. */
export interface PodAddresses {
  readonly podIP: string;
  readonly hostIP: string;
}

type FieldReader = (pod: Pod, addresses: PodAddresses) => string | undefined;

const fields: Readonly<Record<string, FieldReader>> = {
  "metadata.name": (pod) => pod.metadata?.name,
  "metadata.namespace": (pod) => pod.metadata?.namespace,
  "metadata.uid": (pod) => pod.metadata?.uid,
  "metadata.labels": (pod) => formatMap(pod.metadata?.labels),
  "metadata.annotations": (pod) => formatMap(pod.metadata?.annotations),
  "spec.nodeName": (pod) => pod.spec?.nodeName,
  "spec.serviceAccountName": (pod) => pod.spec?.serviceAccountName ?? "default",
  "status.podIP": (_, { podIP }) => podIP,
  "status.podIPs": (_, { podIP }) => podIP,
  "status.hostIP": (_, { hostIP }) => hostIP,
  "status.hostIPs": (_, { hostIP }) => hostIP,
};

/** As files show labels and annotations: one `key="value"` per line, sorted. */
const formatMap = (map: Readonly<Record<string, string>> = {}): string =>
  Object.keys(map)
    .sort()
    .map((key) => `${key}=${JSON.stringify(map[key])}`)
    .join("\n");

/** The value of `fieldPath`, `metadata.labels['key']` included. Throws CreateContainerConfigError for a path that Kubernetes does not know. */
export function fieldValue(pod: Pod, fieldPath: string, addresses: PodAddresses): string {
  const reader = Object.hasOwn(fields, fieldPath) ? fields[fieldPath] : undefined;
  if (reader !== undefined) return reader(pod, addresses) ?? "";
  const [, map, key] = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(fieldPath) ?? [];
  if (map === "labels" || map === "annotations") return pod.metadata?.[map]?.[key ?? ""] ?? "";
  throw new ContainerError("CreateContainerConfigError", `unsupported fieldPath: ${fieldPath}`);
}

/** What the node has, for limits that the container leaves open. */
export interface NodeCapacity {
  readonly cpu: string;
  readonly memory: string;
}

/** The value of a resource in units of its divisor, rounded up. An absent limit is what the node has, an absent request is 0. */
export function resourceValue(
  container: Container,
  { resource, divisor }: ResourceFieldSelector,
  node: NodeCapacity,
): string {
  const [kind, name = ""] = resource.split(".");
  if (kind !== "limits" && kind !== "requests") {
    throw new ContainerError("CreateContainerConfigError", `unsupported container resource: ${resource}`);
  }
  const open = kind === "limits" ? (node[name as keyof NodeCapacity] ?? "0") : "0";
  const asked = container.resources?.[kind]?.[name] ?? container.resources?.limits?.[name] ?? open;
  const value = parseQuantity(asked) ?? 0n;
  const unit = parseQuantity(!divisor || divisor === "0" ? "1" : divisor) || 1n;
  return String((value + unit - 1n) / unit);
}
