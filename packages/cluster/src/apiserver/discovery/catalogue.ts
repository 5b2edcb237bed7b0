/** What is served, grouped as discovery shows it. Pure. */

import { keyOfResource } from "../../machinery/resources/row.ts";
import type { ResourceDescriptor } from "../../machinery/store.ts";
import { findSubresource, type Subresource } from "../resources/subresources.ts";
import { virtualResources } from "../resources/virtual.ts";

export interface ServedVersion {
  readonly version: string;
  readonly resources: readonly ResourceDescriptor[];
}

export interface ServedGroup {
  readonly group: string;
  /** The preferred one first. */
  readonly versions: readonly ServedVersion[];
}

/** Groups in the order in which kubectl should try them: core, then as the descriptors come. */
export function servedGroups(descriptors: readonly ResourceDescriptor[]): ServedGroup[] {
  const groups = new Map<string, Map<string, ResourceDescriptor[]>>();
  for (const resource of [...descriptors, ...virtualResources]) {
    const versions = groups.get(resource.group) ?? new Map<string, ResourceDescriptor[]>();
    groups.set(resource.group, versions);
    versions.set(resource.version, [...(versions.get(resource.version) ?? []), resource]);
  }
  return [...groups].map(([group, versions]) => ({
    group,
    versions: [...versions].map(([version, resources]) => ({ version, resources })).sort(byPriority),
  }));
}

/** Stable before beta before alpha, then the higher number, as Kubernetes orders versions. */
function byPriority(a: ServedVersion, b: ServedVersion): number {
  const [stageA, majorA, minorA] = priority(a.version);
  const [stageB, majorB, minorB] = priority(b.version);
  return stageB - stageA || majorB - majorA || minorB - minorA;
}

function priority(version: string): [stage: number, major: number, minor: number] {
  const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version);
  if (match === null) return [0, 0, 0];
  const [, major, stage, minor] = match;
  return [stage === undefined ? 3 : stage === "beta" ? 2 : 1, Number(major), Number(minor ?? 0)];
}

export const groupVersion = (group: string, version: string): string =>
  group === "" ? version : `${group}/${version}`;

/** The subresources of a resource that are served. */
export const servedSubresources = (resource: ResourceDescriptor): [name: string, row: Subresource][] =>
  resource.subresources.flatMap((name): [string, Subresource][] => {
    const row = findSubresource(keyOfResource(resource), name);
    return row === undefined ? [] : [[name, row]];
  });
