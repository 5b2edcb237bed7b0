import { isIPv6 } from "node:net";
import type { Endpoints, LoadBalancerStatus, Service, ServicePort } from "kubernetes-types/core/v1.js";
import type { EndpointSlice } from "kubernetes-types/discovery/v1.js";
import type { Ingress, IngressClass, NetworkPolicy } from "kubernetes-types/networking/v1.js";
import {
  ageColumn,
  column,
  firstThree,
  formatLabels,
  formatSelector,
  nameColumn,
  none,
  printer,
  unset,
  wide,
} from "../columns.ts";

const addressesOf = (status: Pick<LoadBalancerStatus, "ingress"> | undefined): string =>
  (status?.ingress ?? [])
    .map(({ ip, hostname }) => ip || hostname || "")
    .filter(Boolean)
    .join(",");

function externalIp({ spec, status }: Service): string {
  const listed = spec?.externalIPs?.join(",") ?? "";
  if (spec?.type === "ExternalName") return spec.externalName ?? "";
  if (spec?.type !== "LoadBalancer") return listed || none;
  const all = [addressesOf(status?.loadBalancer), listed].filter(Boolean).join(",");
  return all || "<pending>";
}

const formatPort = ({ port, nodePort, protocol = "TCP" }: ServicePort): string =>
  nodePort ? `${port}:${nodePort}/${protocol}` : `${port}/${protocol}`;

function formatEndpoints({ subsets = [] }: Endpoints): string {
  if (subsets.length === 0) return none;
  const all = subsets.flatMap(({ addresses = [], ports = [] }) =>
    ports.length === 0
      ? addresses.map(({ ip }) => ip)
      : ports.flatMap(({ port }) => addresses.map(({ ip }) => (isIPv6(ip) ? `[${ip}]:${port}` : `${ip}:${port}`))),
  );
  return all.length === 0 ? none : firstThree(all);
}

const orUnset = (values: readonly string[]): string => (values.length === 0 ? unset : firstThree(values));

function formatHosts({ spec }: Ingress): string {
  const rules = spec?.rules ?? [];
  const hosts = rules.map(({ host }) => host ?? "").filter(Boolean);
  return hosts.length === 0 ? "*" : firstThree(hosts, rules.length);
}

function formatParameters({ spec }: IngressClass): string {
  const parameters = spec?.parameters;
  if (parameters === undefined) return none;
  const group = parameters.apiGroup ? `.${parameters.apiGroup}` : "";
  return `${parameters.kind}${group}/${parameters.name}`;
}

export const networkPrinters = {
  services: printer<Service>(
    nameColumn,
    column("Type", ({ spec }) => spec?.type ?? "ClusterIP"),
    column("Cluster-IP", ({ spec }) => spec?.clusterIP || none),
    column("External-IP", externalIp),
    column("Port(s)", ({ spec }) => spec?.ports?.map(formatPort).join(",") || none),
    ageColumn,
    wide("Selector", ({ spec }) => formatLabels(spec?.selector)),
  ),
  endpoints: printer<Endpoints>(nameColumn, column("Endpoints", formatEndpoints), ageColumn),
  "endpointslices.discovery.k8s.io": printer<EndpointSlice>(
    nameColumn,
    column("AddressType", ({ addressType }) => addressType),
    column("Ports", ({ ports }) => orUnset((ports ?? []).map(({ port }) => String(port ?? "*")))),
    column("Endpoints", ({ endpoints }) => orUnset((endpoints ?? []).flatMap(({ addresses }) => addresses))),
    ageColumn,
  ),
  "ingresses.networking.k8s.io": printer<Ingress>(
    nameColumn,
    column("Class", ({ spec }) => spec?.ingressClassName ?? none),
    column("Hosts", formatHosts),
    column("Address", ({ status }) => addressesOf(status?.loadBalancer as LoadBalancerStatus | undefined)),
    column("Ports", ({ spec }) => (spec?.tls?.length ? "80, 443" : "80")),
    ageColumn,
  ),
  "ingressclasses.networking.k8s.io": printer<IngressClass>(
    nameColumn,
    column("Controller", ({ spec }) => spec?.controller ?? ""),
    column("Parameters", formatParameters),
    ageColumn,
  ),
  "networkpolicies.networking.k8s.io": printer<NetworkPolicy>(
    nameColumn,
    column("Pod-Selector", ({ spec }) => formatSelector(spec?.podSelector)),
    ageColumn,
  ),
};
