/** One system on one cluster: its objects in order, and where each of them is served. */

import type { KubeClient, Resource } from "@coracle/kube";
import { type Manifest, readManifests } from "./manifests.ts";
import { inApplyOrder } from "./order.ts";
import { resourceFinder } from "./resources.ts";
import type { System } from "./systems.ts";

export interface Item {
  readonly object: Manifest;
  readonly resource: Resource;
  /** Empty for cluster-wide resources. */
  readonly namespace: string;
}

export interface Deployment {
  readonly system: System;
  readonly kube: KubeClient;
  /** In the order of application. */
  readonly items: readonly Item[];
  /** The namespaces that its objects live in. */
  readonly namespaces: readonly string[];
}

/** Reads the manifests and finds every kind's place before anything is written, so that a typing error changes nothing. */
export async function planDeployment(kube: KubeClient, system: System): Promise<Deployment> {
  const find = resourceFinder(kube);
  const objects = inApplyOrder(await readManifests(system.manifests));
  const items = await Promise.all(objects.map(async (object) => item(object, await find(object), kube.namespace)));
  return { system, kube, items, namespaces: [...new Set(items.map(({ namespace }) => namespace))].filter(Boolean) };
}

function item(object: Manifest, resource: Resource, defaultNamespace: string): Item {
  return { object, resource, namespace: resource.namespaced ? (object.metadata.namespace ?? defaultNamespace) : "" };
}

export const itemName = ({ object }: Item): string => `${object.kind.toLowerCase()}/${object.metadata.name}`;

export const ofKind = (deployment: Deployment, ...kindNames: readonly string[]): Item[] =>
  deployment.items.filter(({ object }) => kindNames.includes(object.kind));
