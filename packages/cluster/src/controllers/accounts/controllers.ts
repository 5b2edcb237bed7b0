/** What every namespace has from the start: its `default` service account and the cluster's root certificates. */

import type { ControllerContext } from "../harness/context.ts";
import type { Controller } from "../harness/controller.ts";
import { isDeleting } from "../harness/owners.ts";
import { type ObjectKey, type Watch, watch } from "../harness/watch.ts";

const watchNamespaces = (name: string): Watch =>
  watch("namespaces", ({ type, object }) => (type === "DELETED" ? [] : [`${object.metadata.name}/${name}`]));

/** Only when somebody removes or changes the object of that name. */
const watchNamed = (resource: "serviceaccounts" | "configmaps", name: string): Watch =>
  watch(resource, ({ type, object }) =>
    type !== "ADDED" && object.metadata.name === name ? [`${object.metadata.namespace}/${name}`] : [],
  );

const isOpen = ({ store }: ControllerContext, namespace: string) => {
  const object = store.get("namespaces", "", namespace);
  return object !== undefined && !isDeleting(object);
};

export function serviceAccountController(context: ControllerContext): Controller {
  const { store } = context;

  async function reconcile({ namespace, name }: ObjectKey): Promise<undefined> {
    if (!isOpen(context, namespace) || store.get("serviceaccounts", namespace, name)) return undefined;
    const metadata = { name, namespace };
    await store.create("serviceaccounts", { apiVersion: "v1", kind: "ServiceAccount", metadata });
    return undefined;
  }

  return {
    name: "service-account-controller",
    watches: [watchNamespaces("default"), watchNamed("serviceaccounts", "default")],
    reconcile,
  };
}

const rootCertificates = "kube-root-ca.crt";

export function rootCertificatesController(context: ControllerContext): Controller {
  const { store, caPem } = context;
  const data = { "ca.crt": caPem };
  const description =
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.";

  async function reconcile({ namespace, name }: ObjectKey): Promise<undefined> {
    if (!isOpen(context, namespace)) return undefined;
    const metadata = { name, namespace, annotations: { "kubernetes.io/description": description } };
    if (!store.get("configmaps", namespace, name))
      await store.create("configmaps", { apiVersion: "v1", kind: "ConfigMap", metadata, data });
    else
      await store.modify("configmaps", namespace, name, (draft) => {
        draft.data = data;
      });
    return undefined;
  }

  return {
    name: "root-ca-certificate-publisher",
    watches: [watchNamespaces(rootCertificates), watchNamed("configmaps", rootCertificates)],
    reconcile,
  };
}
