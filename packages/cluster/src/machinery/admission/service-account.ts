/** The ServiceAccount admission: every pod runs as one, with its token mounted unless somebody said no. */
import { items } from "../defaults/fill.ts";
import { randomSuffix } from "../names.ts";
import type { WriteContext } from "../resources/row.ts";
import type { ApiObject } from "../types.ts";
import { forbiddenObject } from "../write/refusals.ts";

export const tokenMountPath = "/var/run/secrets/kubernetes.io/serviceaccount";
const tokenSeconds = 3607;
const pods = { group: "", plural: "pods" };

export function admitServiceAccount(pod: ApiObject, context: WriteContext): void {
  const { spec } = pod;
  spec.serviceAccountName ??= "default";
  spec.serviceAccount = spec.serviceAccountName;
  const account = requireAccount(pod, context);
  if (spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true) mountToken(spec);
  if (items(spec.imagePullSecrets).length === 0 && account.imagePullSecrets?.length)
    spec.imagePullSecrets = account.imagePullSecrets;
}

function requireAccount(pod: ApiObject, context: WriteContext): ApiObject {
  const { name = "", namespace = "" } = pod.metadata ?? {};
  const wanted: string = pod.spec.serviceAccountName;
  const account = context.latest("serviceaccounts", namespace, wanted);
  if (account) return account;
  const why = `error looking up service account ${namespace}/${wanted}: serviceaccount ${JSON.stringify(wanted)} not found`;
  throw forbiddenObject(pods, name, why);
}

function mountToken(spec: ApiObject): void {
  const containers = [...items(spec.initContainers), ...items(spec.containers)];
  const needing = containers.filter(
    ({ volumeMounts }) => !items(volumeMounts).some(({ mountPath }) => mountPath === tokenMountPath),
  );
  if (needing.length === 0) return;
  const name = tokenVolumeName(spec);
  for (const container of needing)
    container.volumeMounts = [...items(container.volumeMounts), { name, readOnly: true, mountPath: tokenMountPath }];
}

/** The volume that a template brought along, or a new one. */
function tokenVolumeName(spec: ApiObject): string {
  const present = items(spec.volumes).find(({ name, projected }) => projected && String(name).startsWith(volumePrefix));
  if (present) return present.name;
  const name = volumePrefix + randomSuffix();
  spec.volumes = [...items(spec.volumes), tokenVolume(name)];
  return name;
}

const volumePrefix = "kube-api-access-";

const tokenVolume = (name: string) => ({
  name,
  projected: {
    defaultMode: 0o644,
    sources: [
      { serviceAccountToken: { expirationSeconds: tokenSeconds, path: "token" } },
      { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
      {
        downwardAPI: {
          items: [{ path: "namespace", fieldRef: { apiVersion: "v1", fieldPath: "metadata.namespace" } }],
        },
      },
    ],
  },
});
