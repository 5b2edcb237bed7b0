/** From the backends that rules name to endpoints. Pure. */
import type { Service, ServicePort } from "kubernetes-types/core/v1.js";
import type { EndpointSlice } from "kubernetes-types/discovery/v1.js";
import { affinityOf, backendsOf } from "../proxy/table.ts";
import type { IngressBackend } from "./types.ts";

/** `namespace/service` of a backend's id. */
export const serviceKey = (id: string): string => id.slice(0, id.lastIndexOf(":"));

/** Requests go straight to endpoints; the Service's own address plays no part, so it may be headless. */
export function resolveBackend(
  id: string,
  service: Service | undefined,
  slices: readonly EndpointSlice[],
): IngressBackend {
  const port = service && portOf(service, id.slice(id.lastIndexOf(":") + 1));
  if (!service || !port) return { id, endpoints: [], draining: [] };
  const affinitySeconds = affinityOf(service);
  return { id, ...backendsOf(service, port, slices), ...(affinitySeconds !== undefined && { affinitySeconds }) };
}

const portOf = ({ spec }: Service, reference: string): ServicePort | undefined =>
  (spec?.ports ?? []).find(
    ({ name, port, protocol = "TCP" }) => protocol === "TCP" && (name === reference || String(port) === reference),
  );
