/** Defaults of services, endpoints and network policies. */
import type { ApiObject } from "../types.ts";
import { fill, items } from "./fill.ts";

const isExternal = (type: string) => type === "NodePort" || type === "LoadBalancer";

export function defaultService(service: ApiObject): void {
  service.spec ??= {};
  const spec = fill(service.spec, { type: "ClusterIP", sessionAffinity: "None" });
  if (spec.sessionAffinity === "ClientIP") defaultAffinity(spec);
  for (const port of items(spec.ports)) fill(port, { protocol: "TCP", targetPort: port.port });
  if (spec.type !== "ExternalName") fill(spec, { internalTrafficPolicy: "Cluster" });
  if (isExternal(spec.type)) fill(spec, { externalTrafficPolicy: "Cluster" });
  if (spec.type === "LoadBalancer") fill(spec, { allocateLoadBalancerNodePorts: true });
}

function defaultAffinity(spec: ApiObject): void {
  spec.sessionAffinityConfig ??= {};
  spec.sessionAffinityConfig.clientIP = fill(spec.sessionAffinityConfig.clientIP ?? {}, { timeoutSeconds: 10800 });
}

export function defaultEndpoints(endpoints: ApiObject): void {
  for (const subset of items(endpoints.subsets)) defaultPortProtocols(subset.ports);
}

export function defaultEndpointSlice(slice: ApiObject): void {
  slice.endpoints ??= [];
  for (const port of items(slice.ports)) fill(port, { name: "", protocol: "TCP" });
}

export function defaultNetworkPolicy(policy: ApiObject): void {
  policy.spec ??= {};
  const spec = fill(policy.spec, { podSelector: {} });
  const types = items(spec.egress).length > 0 ? ["Ingress", "Egress"] : ["Ingress"];
  if (!spec.policyTypes?.length) spec.policyTypes = types;
  for (const rule of [...items(spec.ingress), ...items(spec.egress)]) defaultPortProtocols(rule.ports);
}

function defaultPortProtocols(ports: unknown): void {
  for (const port of items(ports)) fill(port, { protocol: "TCP" });
}
