/** Discovery in one document (`apidiscovery.k8s.io`), which kubectl prefers. Pure. */
import type { ResourceDescriptor } from "../../machinery/store.ts";
import { type ServedGroup, type ServedVersion, servedSubresources } from "./catalogue.ts";

export type AggregatedVersion = "v2" | "v2beta1";

export const aggregatedMediaType = (version: AggregatedVersion): string =>
  `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;

/** The version that an Accept header names first; undefined when it wants the older form. */
export function aggregatedVersion(accept: string | undefined): AggregatedVersion | undefined {
  for (const clause of accept?.split(",") ?? []) {
    const parts = clause.split(";").map((part) => part.trim());
    if (!parts.includes("g=apidiscovery.k8s.io") || !parts.includes("as=APIGroupDiscoveryList")) continue;
    if (parts.includes("v=v2")) return "v2";
    if (parts.includes("v=v2beta1")) return "v2beta1";
  }
  return undefined;
}

export const aggregatedDiscovery = (groups: readonly ServedGroup[], version: AggregatedVersion) => ({
  kind: "APIGroupDiscoveryList",
  apiVersion: `apidiscovery.k8s.io/${version}`,
  metadata: {},
  items: groups.map(({ group, versions }) => ({
    metadata: { creationTimestamp: null, ...(group !== "" && { name: group }) },
    versions: versions.map((served) => versionEntry(group, served)),
  })),
});

const versionEntry = (group: string, { version, resources }: ServedVersion) => ({
  version,
  freshness: "Current",
  resources: resources.map((resource) => resourceEntry(group, version, resource)),
});

const resourceEntry = (group: string, version: string, resource: ResourceDescriptor) => {
  const subresources = servedSubresources(resource).map(([name, { kind, verbs }]) => ({
    subresource: name,
    responseKind: kind ?? { group, version, kind: resource.kind },
    verbs,
  }));
  return {
    resource: resource.plural,
    responseKind: { group, version, kind: resource.kind },
    scope: resource.namespaced ? "Namespaced" : "Cluster",
    singularResource: resource.singular,
    verbs: resource.verbs,
    ...(resource.shortNames.length > 0 && { shortNames: resource.shortNames }),
    ...(resource.categories.length > 0 && { categories: resource.categories }),
    ...(subresources.length > 0 && { subresources }),
  };
};
