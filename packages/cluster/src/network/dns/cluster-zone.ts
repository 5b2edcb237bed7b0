import type { Service } from "kubernetes-types/core/v1.js";
import type { EndpointSlice } from "kubernetes-types/discovery/v1.js";
import type { Registry } from "../../machinery/types.ts";
import { SliceIndex } from "../slices.ts";
import type { AddressPlan } from "../types.ts";
import { serviceRecords } from "./service-records.ts";
import { Zone, type ZoneEntry } from "./zone.ts";

/** A zone that follows the registry: a change of a Service, its slices or a Namespace touches that one's records only. */
export function followCluster(
  store: Pick<Registry, "subscribe">,
  plan: Pick<AddressPlan, "dns" | "domain">,
): { readonly zone: Zone; stop(): void } {
  const zone = new Zone();
  zone.replace("zone", zoneEntries(plan));
  const services = new Map<string, Service>();
  const refresh = (key: string, slices: readonly EndpointSlice[]): void => {
    const service = services.get(key);
    zone.replace(`service/${key}`, service ? serviceRecords(service, slices, plan.domain) : []);
  };
  const slices = new SliceIndex(refresh);
  const stops = [
    store.subscribe("namespaces", ({ type, object }) => {
      const { name } = object.metadata;
      zone.replace(`namespace/${name}`, type === "DELETED" ? [] : namespaceEntries(name, plan.domain));
    }),
    store.subscribe("services", ({ type, object }) => {
      const key = `${object.metadata.namespace}/${object.metadata.name}`;
      if (type === "DELETED") services.delete(key);
      else services.set(key, object);
      refresh(key, slices.of(key));
    }),
    store.subscribe("endpointslices.discovery.k8s.io", (change) => slices.apply(change)),
  ];
  return {
    zone,
    stop() {
      for (const stop of stops) stop();
    },
  };
}

const zoneEntries = ({ dns, domain }: Pick<AddressPlan, "dns" | "domain">): ZoneEntry[] => [
  { name: domain, record: { type: "NS", data: `ns.dns.${domain}` } },
  { name: `ns.dns.${domain}`, record: { type: "A", data: dns } },
  { name: `dns-version.${domain}`, record: { type: "TXT", data: "1.1.0" } },
  { name: `svc.${domain}` },
  { name: `pod.${domain}` },
];

const namespaceEntries = (name: string, domain: string): ZoneEntry[] => [
  { name: `${name}.svc.${domain}` },
  { name: `${name}.pod.${domain}` },
];
