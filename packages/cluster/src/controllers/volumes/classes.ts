import type { StorageClass } from "kubernetes-types/storage/v1.js";
import type { ControllerContext } from "../harness/context.ts";
import type { Controller } from "../harness/controller.ts";
import { watchOnce } from "../harness/watch.ts";

export const provisioner = "coracle.dev/local";
export const defaultClassName = "standard";
export const defaultClassAnnotation = "storageclass.kubernetes.io/is-default-class";

/**
 * The class that claims get when they name none. It binds at once, not on the first consumer: every node of this cluster is this
 * machine, so there is no better place to wait for.
 */
const standardClass: StorageClass = {
  apiVersion: "storage.k8s.io/v1",
  kind: "StorageClass",
  metadata: { name: defaultClassName, annotations: { [defaultClassAnnotation]: "true" } },
  provisioner,
  reclaimPolicy: "Delete",
  volumeBindingMode: "Immediate",
  allowVolumeExpansion: true,
};

/** Makes sure that there is a default StorageClass: creates `standard` when the cluster has no class at all. */
export function storageClassController({ store }: ControllerContext): Controller {
  const resource = "storageclasses.storage.k8s.io";
  return {
    name: "storageclass-controller",
    watches: [watchOnce(`/${defaultClassName}`)],
    async reconcile() {
      if (store.list(resource).length === 0) await store.create(resource, standardClass);
      return undefined;
    },
  };
}
