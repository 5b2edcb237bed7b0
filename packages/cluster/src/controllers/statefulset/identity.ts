/** What makes a StatefulSet's pod that pod: its ordinal, and the name, host name, labels and claims that follow from it. */
import type { StatefulSet } from "kubernetes-types/apps/v1.js";
import type { PersistentVolumeClaim, Pod, PodTemplateSpec, Volume } from "kubernetes-types/core/v1.js";
import type { Stored } from "../../machinery/types.ts";
import { podFromTemplate } from "../harness/pods.ts";

export const podNameLabel = "statefulset.kubernetes.io/pod-name";
export const podIndexLabel = "apps.kubernetes.io/pod-index";
export const revisionLabel = "controller-revision-hash";

export const podNameOf = (set: StatefulSet, ordinal: number) => `${set.metadata?.name}-${ordinal}`;

/** The ordinal in a pod's name; undefined when the name is not one that this set gives. */
export function ordinalOf(set: StatefulSet, pod: Pod): number | undefined {
  const prefix = `${set.metadata?.name}-`;
  const name = pod.metadata?.name ?? "";
  const ordinal = name.startsWith(prefix) ? name.slice(prefix.length) : "";
  return /^(0|[1-9]\d*)$/.test(ordinal) ? Number(ordinal) : undefined;
}

/** First ordinal and one past the last. */
export function ordinalRange({ spec }: StatefulSet): { readonly start: number; readonly end: number } {
  const start = spec?.ordinals?.start ?? 0;
  return { start, end: start + (spec?.replicas ?? 1) };
}

const claimNameOf = (set: StatefulSet, template: PersistentVolumeClaim, ordinal: number) =>
  `${template.metadata?.name}-${set.metadata?.name}-${ordinal}`;

/** The claims of one ordinal, as the templates describe them. */
export const claimsOf = (set: StatefulSet, ordinal: number): PersistentVolumeClaim[] =>
  (set.spec?.volumeClaimTemplates ?? []).map((template) => ({
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: {
      ...template.metadata,
      name: claimNameOf(set, template, ordinal),
      namespace: set.metadata?.namespace,
      labels: { ...template.metadata?.labels, ...set.spec?.selector.matchLabels },
    },
    spec: structuredClone(template.spec ?? {}),
  }));

/** The template's volumes, those of the claim templates' names replaced by this ordinal's claims. */
function volumesOf(set: StatefulSet, template: PodTemplateSpec, ordinal: number): Volume[] {
  const claimed = (set.spec?.volumeClaimTemplates ?? []).map((claim) => ({
    name: claim.metadata?.name ?? "",
    persistentVolumeClaim: { claimName: claimNameOf(set, claim, ordinal) },
  }));
  const names = new Set(claimed.map(({ name }) => name));
  return [...claimed, ...(template.spec?.volumes ?? []).filter(({ name }) => !names.has(name))];
}

/** The pod of one ordinal at one revision. */
export function newPod(set: Stored<StatefulSet>, template: PodTemplateSpec, ordinal: number, revision: string): Pod {
  const name = podNameOf(set, ordinal);
  const pod = podFromTemplate(set, template, { name });
  const volumes = volumesOf(set, template, ordinal);
  pod.metadata.labels = {
    ...pod.metadata.labels,
    [podNameLabel]: name,
    [podIndexLabel]: String(ordinal),
    [revisionLabel]: revision,
  };
  Object.assign(pod.spec, { hostname: name, subdomain: set.spec?.serviceName, ...(volumes.length > 0 && { volumes }) });
  return pod;
}

export const revisionOf = (pod: Pod) => pod.metadata?.labels?.[revisionLabel];
