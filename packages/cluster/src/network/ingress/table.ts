/** From the cluster's objects to what the gateway serves. Pure. */
import type { Secret, Service } from "kubernetes-types/core/v1.js";
import type { EndpointSlice } from "kubernetes-types/discovery/v1.js";
import type { Ingress } from "kubernetes-types/networking/v1.js";
import type { Stored } from "../../machinery/types.ts";
import { resolveBackend, serviceKey } from "./backends.ts";
import { certificateOf, hostsOf, tlsEntries } from "./certificates.ts";
import { backendIds, mergeRoutes } from "./routes.ts";
import type { IngressCertificate, IngressSite, IngressTable } from "./types.ts";

export interface TableInputs {
  /** The Ingresses of each address, oldest first. */
  readonly sites: ReadonlyMap<string, readonly Stored<Ingress>[]>;
  /** By `namespace/name`. */
  service(key: string): Service | undefined;
  slices(service: string): readonly EndpointSlice[];
  secret(key: string): Secret | undefined;
  /** A certificate of the cluster's own authority, for hosts that have no Secret. */
  fallback(hosts: readonly string[]): Omit<IngressCertificate, "names">;
  /** The address that is also served at 127.0.0.1. */
  readonly onLoopback: string | undefined;
}

export function ingressTable(inputs: TableInputs): IngressTable {
  const { sites, service, slices } = inputs;
  const all = [...sites.values()].flat();
  return {
    sites: [...sites].map(([address, ingresses]) => siteOf(address, ingresses, inputs)),
    backends: backendIds(all).map((id) => resolveBackend(id, service(serviceKey(id)), slices(serviceKey(id)))),
  };
}

function siteOf(
  address: string,
  ingresses: readonly Ingress[],
  { secret, fallback, onLoopback }: TableInputs,
): IngressSite {
  const named = tlsEntries(ingresses).flatMap(({ entry, secret: key }) => certificateOf(entry, secret(key)) ?? []);
  const hosts = hostsOf(ingresses);
  const isOnLoopback = address === onLoopback;
  const reached = [...hosts, "localhost", address, ...(isOnLoopback ? ["127.0.0.1"] : [])];
  const last = { names: unnamed(hosts, named), ...fallback(reached) };
  return { address, isOnLoopback, routes: mergeRoutes(ingresses), certificates: [...named, last] };
}

/** Hosts that no certificate names. Never none: that would mean any name. */
function unnamed(hosts: readonly string[], certificates: readonly IngressCertificate[]): string[] {
  const named = new Set(certificates.flatMap(({ names }) => names));
  return ["localhost", ...hosts.filter((host) => !named.has(host))];
}

/** What else the table depends on, as `services/namespace/name` and `secrets/namespace/name`. */
export const dependencies = (ingresses: readonly Ingress[]): Set<string> =>
  new Set([
    ...backendIds(ingresses).map((id) => `services/${serviceKey(id)}`),
    ...tlsEntries(ingresses).map(({ secret }) => `secrets/${secret}`),
  ]);
