/** From Ingress objects to the routes of each address. Pure. */
import type { IngressBackend as BackendRef, HTTPIngressPath, Ingress } from "kubernetes-types/networking/v1.js";
import type { IngressPath, IngressRoutes } from "./types.ts";

/**
 * Merges Ingresses, oldest first: rules for one host add up, and where two claim the same path the older one has it. An Ingress whose
 * rules name a host gives it its default backend, too.
 */
export function mergeRoutes(ingresses: readonly Ingress[]): IngressRoutes {
  const hosts = new Map<string, { paths: IngressPath[]; defaultBackend?: string }>();
  let siteDefault: string | undefined;
  for (const ingress of ingresses) {
    const own = backendId(ingress, ingress.spec?.defaultBackend);
    siteDefault ??= own;
    for (const { host = "", http } of ingress.spec?.rules ?? []) {
      const entry = hosts.get(host.toLowerCase()) ?? { paths: [] };
      hosts.set(host.toLowerCase(), entry);
      if (own) entry.defaultBackend ??= own;
      for (const path of http?.paths ?? []) addPath(entry.paths, toPath(ingress, path));
    }
  }
  for (const { paths } of hosts.values()) paths.sort(bySpecificity);
  return { hosts: Object.fromEntries(hosts), ...(siteDefault && { defaultBackend: siteDefault }) };
}

/** The backend's id; undefined where there is none, or one that is no Service. */
export function backendId({ metadata }: Ingress, ref: BackendRef | undefined): string | undefined {
  const { name, port } = ref?.service ?? {};
  return name ? `${metadata?.namespace}/${name}:${port?.name ?? port?.number}` : undefined;
}

/** Every backend that these Ingresses name, once. */
export const backendIds = (ingresses: readonly Ingress[]): string[] => [
  ...new Set(
    ingresses
      .flatMap((ingress) => [ingress.spec?.defaultBackend, ...pathsOf(ingress)].map((ref) => backendId(ingress, ref)))
      .filter((id) => id !== undefined),
  ),
];

const pathsOf = ({ spec }: Ingress): BackendRef[] =>
  (spec?.rules ?? []).flatMap(({ http }) => (http?.paths ?? []).map(({ backend }) => backend));

/** A path without a Service behind it has a backend that never has endpoints. */
const noBackend = "";

function toPath(ingress: Ingress, { path = "", pathType, backend }: HTTPIngressPath): IngressPath {
  const isExact = pathType === "Exact";
  // What is specific to an implementation is a prefix here; `/api/*` is how some others spell one.
  const prefix = (pathType === "ImplementationSpecific" ? path.replace(/\/\*$/, "/") : path).replace(/\/+$/, "");
  return { path: isExact ? path : prefix, isExact, backend: backendId(ingress, backend) ?? noBackend };
}

function addPath(paths: IngressPath[], added: IngressPath): void {
  if (!paths.some(({ path, isExact }) => path === added.path && isExact === added.isExact)) paths.push(added);
}

const bySpecificity = (a: IngressPath, b: IngressPath): number =>
  b.path.length - a.path.length || Number(b.isExact) - Number(a.isExact);
