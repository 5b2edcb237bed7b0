/** The service account's volume. API servers add it at admission; a pod that came without gets the same here. Pure. */
import type { Container, Pod, Volume } from "kubernetes-types/core/v1.js";

export const serviceAccountPath = "/var/run/secrets/kubernetes.io/serviceaccount";

const volumeName = "kube-api-access";

/** A bit over an hour, as Kubernetes issues them for pods. */
const tokenSeconds = 3607;

export function withServiceAccount(pod: Pod): Pod {
  const { spec } = pod;
  if (spec === undefined || spec.automountServiceAccountToken === false) return pod;
  const all = [...(spec.initContainers ?? []), ...spec.containers];
  if (all.every(mountsAccount)) return pod;
  const add = (container: Container): Container =>
    mountsAccount(container)
      ? container
      : {
          ...container,
          volumeMounts: [
            ...(container.volumeMounts ?? []),
            { name: volumeName, mountPath: serviceAccountPath, readOnly: true },
          ],
        };
  return {
    ...pod,
    spec: {
      ...spec,
      volumes: [...(spec.volumes ?? []), accountVolume],
      containers: spec.containers.map(add),
      ...(spec.initContainers && { initContainers: spec.initContainers.map(add) }),
    },
  };
}

const mountsAccount = ({ volumeMounts = [] }: Container): boolean =>
  volumeMounts.some(({ mountPath }) => mountPath.replace(/\/+$/, "") === serviceAccountPath);

const accountVolume: Volume = {
  name: volumeName,
  projected: {
    sources: [
      { serviceAccountToken: { expirationSeconds: tokenSeconds, path: "token" } },
      { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
      { downwardAPI: { items: [{ path: "namespace", fieldRef: { fieldPath: "metadata.namespace" } }] } },
    ],
  },
};
