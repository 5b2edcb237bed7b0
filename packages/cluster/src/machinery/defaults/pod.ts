/** Defaults of pods and of the pod templates in workloads. */
import type { ApiObject } from "../types.ts";
import { defaultContainer, defaultFieldRef, defaultRequests } from "./container.ts";
import { fill, items } from "./fill.ts";

export function defaultPod(pod: ApiObject): void {
  pod.spec ??= {};
  const spec = pod.spec;
  defaultPodSpec(spec);
  fill(spec, { enableServiceLinks: true, priority: 0, preemptionPolicy: "PreemptLowerPriority" });
  for (const container of containersOf(spec)) defaultRequests(container);
}

/** Defaults of `spec.template`. */
export function defaultTemplate(template: ApiObject | undefined): void {
  if (!template) return;
  template.metadata ??= {};
  if (template.spec) defaultPodSpec(template.spec);
}

export const containersOf = (spec: ApiObject): ApiObject[] => [
  ...items(spec.initContainers),
  ...items(spec.containers),
  ...items(spec.ephemeralContainers),
];

export function defaultPodSpec(spec: ApiObject): void {
  fill(spec, {
    restartPolicy: "Always",
    terminationGracePeriodSeconds: 30,
    dnsPolicy: "ClusterFirst",
    securityContext: {},
    schedulerName: "default-scheduler",
  });
  if (spec.serviceAccountName ?? spec.serviceAccount) mirrorServiceAccount(spec);
  containersOf(spec).forEach(defaultContainer);
  if (spec.hostNetwork) for (const container of containersOf(spec)) defaultHostPorts(container);
  items(spec.volumes).forEach(defaultVolume);
}

/** The deprecated field is kept equal to the current one. */
function mirrorServiceAccount(spec: ApiObject): void {
  spec.serviceAccountName ??= spec.serviceAccount;
  spec.serviceAccount = spec.serviceAccountName;
}

function defaultHostPorts(container: ApiObject): void {
  for (const port of items(container.ports)) fill(port, { hostPort: port.containerPort });
}

const fileMode = 0o644;

const volumeDefaults: Readonly<Record<string, (source: ApiObject) => void>> = {
  secret: (source) => fill(source, { defaultMode: fileMode }),
  configMap: (source) => fill(source, { defaultMode: fileMode }),
  hostPath: (source) => fill(source, { type: "" }),
  downwardAPI: defaultDownwardApi,
  projected: defaultProjected,
  ephemeral: (source) => {
    if (source.volumeClaimTemplate?.spec) fill(source.volumeClaimTemplate.spec, { volumeMode: "Filesystem" });
  },
};

function defaultVolume(volume: ApiObject): void {
  const sources = Object.keys(volume).filter((key) => key !== "name");
  if (sources.length === 0) volume.emptyDir = {};
  for (const source of sources) if (volume[source]) volumeDefaults[source]?.(volume[source]);
}

function defaultDownwardApi(source: ApiObject): void {
  fill(source, { defaultMode: fileMode });
  items(source.items).forEach(defaultFieldRef);
}

function defaultProjected(source: ApiObject): void {
  fill(source, { defaultMode: fileMode });
  for (const { serviceAccountToken, downwardAPI } of items(source.sources)) {
    if (serviceAccountToken) fill(serviceAccountToken, { expirationSeconds: 3600 });
    if (downwardAPI) items(downwardAPI.items).forEach(defaultFieldRef);
  }
}
