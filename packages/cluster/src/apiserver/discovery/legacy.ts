/** Discovery one document per group and version, as all clients know it. Pure. */
import type { ResourceDescriptor } from "../../machinery/store.ts";
import { groupVersion, type ServedGroup, type ServedVersion, servedSubresources } from "./catalogue.ts";

export const apiVersions = (serverAddress: string) => ({
  kind: "APIVersions",
  versions: ["v1"],
  serverAddressByClientCIDRs: [{ clientCIDR: "0.0.0.0/0", serverAddress }],
});

const groupFields = ({ group, versions }: ServedGroup) => {
  const named = versions.map(({ version }) => ({ groupVersion: groupVersion(group, version), version }));
  return { name: group, versions: named, preferredVersion: named[0] };
};

export const apiGroup = (group: ServedGroup) => ({ kind: "APIGroup", apiVersion: "v1", ...groupFields(group) });

export const apiGroupList = (groups: readonly ServedGroup[]) => ({
  kind: "APIGroupList",
  apiVersion: "v1",
  groups: groups.filter(({ group }) => group !== "").map(groupFields),
});

export const apiResourceList = (group: string, { version, resources }: ServedVersion) => ({
  kind: "APIResourceList",
  ...(group !== "" && { apiVersion: "v1" }),
  groupVersion: groupVersion(group, version),
  resources: resources.flatMap((resource) => [apiResource(resource), ...subresources(resource)]),
});

const apiResource = (resource: ResourceDescriptor) => ({
  name: resource.plural,
  singularName: resource.singular,
  namespaced: resource.namespaced,
  kind: resource.kind,
  verbs: resource.verbs,
  ...(resource.shortNames.length > 0 && { shortNames: resource.shortNames }),
  ...(resource.categories.length > 0 && { categories: resource.categories }),
});

const subresources = (resource: ResourceDescriptor) =>
  servedSubresources(resource).map(([name, { kind, verbs }]) => ({
    name: `${resource.plural}/${name}`,
    singularName: "",
    namespaced: resource.namespaced,
    ...(kind && kind.group !== resource.group && { group: kind.group, version: kind.version }),
    kind: kind?.kind ?? resource.kind,
    verbs,
  }));
