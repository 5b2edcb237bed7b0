import type { StatefulSet } from "kubernetes-types/apps/v1.js";
import type { Lease } from "kubernetes-types/coordination/v1.js";
import type { ConfigMap, Endpoints, Event, Namespace, Pod, Secret, Service } from "kubernetes-types/core/v1.js";
import type { EndpointSlice } from "kubernetes-types/discovery/v1.js";
import type { KubeObject, Resource } from "./types.ts";

/** Describes a kind, such as `resource<Lease>("coordination.k8s.io/v1", "leases")`. */
export function resource<T extends KubeObject>(
  apiVersion: string,
  plural: string,
  { namespaced = true }: { readonly namespaced?: boolean } = {},
): Resource<T> {
  const slash = apiVersion.indexOf("/");
  const group = slash < 0 ? "" : apiVersion.slice(0, slash);
  return { group, version: apiVersion.slice(slash + 1), plural, namespaced };
}

/** The kinds that code inside a pod usually needs. */
export const resources = {
  configMaps: resource<ConfigMap>("v1", "configmaps"),
  endpoints: resource<Endpoints>("v1", "endpoints"),
  endpointSlices: resource<EndpointSlice>("discovery.k8s.io/v1", "endpointslices"),
  events: resource<Event>("v1", "events"),
  leases: resource<Lease>("coordination.k8s.io/v1", "leases"),
  namespaces: resource<Namespace>("v1", "namespaces", { namespaced: false }),
  pods: resource<Pod>("v1", "pods"),
  secrets: resource<Secret>("v1", "secrets"),
  services: resource<Service>("v1", "services"),
  statefulSets: resource<StatefulSet>("apps/v1", "statefulsets"),
} as const;
