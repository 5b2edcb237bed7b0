import type { OwnerReference } from "kubernetes-types/meta/v1.js";
import type { Registry, ResourceName } from "../../machinery/types.ts";
import { controllerOf } from "./owners.ts";

/** The kinds whose `spec.replicas` says how many pods there should be. */
const scalable: Readonly<Record<string, ResourceName>> = {
  StatefulSet: "statefulsets.apps",
  Deployment: "deployments.apps",
  ReplicaSet: "replicasets.apps",
};

export interface Scale {
  readonly uid: string;
  readonly replicas: number;
}

/** The scale of a pod's controller; of the Deployment where a ReplicaSet belongs to one. Undefined when it has none. */
export function scaleOf(store: Registry, owner: OwnerReference, namespace: string): Scale | undefined {
  const resource = scalable[owner.kind];
  const object = resource && store.get<string>(resource, namespace, owner.name);
  if (!object || object.metadata.uid !== owner.uid) return undefined;
  const above = controllerOf(object);
  const higher = above && scaleOf(store, above, namespace);
  return higher ?? { uid: owner.uid, replicas: object.spec?.replicas ?? 1 };
}
