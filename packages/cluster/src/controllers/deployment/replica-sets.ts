/** A Deployment's ReplicaSets: which is the new one, how they are named, numbered and kept. */
import type { Deployment, ReplicaSet } from "kubernetes-types/apps/v1.js";
import type { PodTemplateSpec } from "kubernetes-types/core/v1.js";
import { jsonEqual } from "../../machinery/json.ts";
import type { Stored } from "../../machinery/types.ts";
import { contentHash } from "../harness/hash.ts";
import { controllerReference } from "../harness/owners.ts";

export type OwnedSet = Stored<ReplicaSet>;

export const hashLabel = "pod-template-hash";
export const revisionAnnotation = "deployment.kubernetes.io/revision";
const historyAnnotation = "deployment.kubernetes.io/revision-history";
export const desiredAnnotation = "deployment.kubernetes.io/desired-replicas";
const maxAnnotation = "deployment.kubernetes.io/max-replicas";

/** Annotations of the Deployment that say something about itself, not about its pods. */
const ownAnnotations = new Set([
  "kubectl.kubernetes.io/last-applied-configuration",
  revisionAnnotation,
  historyAnnotation,
  desiredAnnotation,
  maxAnnotation,
]);

export const replicasOf = ({ spec }: ReplicaSet | Deployment) => spec?.replicas ?? 1;
export const availableOf = ({ status }: ReplicaSet) => status?.availableReplicas ?? 0;
export const revisionOf = ({ metadata }: ReplicaSet | Deployment) =>
  Number(metadata?.annotations?.[revisionAnnotation] ?? 0);

export const byCreation = (a: OwnedSet, b: OwnedSet) =>
  Date.parse(a.metadata.creationTimestamp) - Date.parse(b.metadata.creationTimestamp) ||
  (a.metadata.name < b.metadata.name ? -1 : 1);

function withoutHash(template: PodTemplateSpec | undefined): PodTemplateSpec {
  const { [hashLabel]: _, ...labels } = template?.metadata?.labels ?? {};
  return { ...template, metadata: { ...template?.metadata, labels } };
}

/** The ReplicaSet that has the Deployment's template; the oldest if there are several. */
export const findNewSet = (deployment: Stored<Deployment>, sets: readonly OwnedSet[]): OwnedSet | undefined =>
  [...sets]
    .sort(byCreation)
    .find(({ spec }) => jsonEqual(withoutHash(spec?.template), withoutHash(deployment.spec?.template)));

/** The next number in the Deployment's history. */
export const nextRevision = (sets: readonly OwnedSet[]) => Math.max(0, ...sets.map(revisionOf)) + 1;

export interface SetAnnotations {
  readonly revision: number;
  readonly desired: number;
  readonly max: number;
}

/** The annotations of the new set. A set that becomes new again remembers the numbers it had. */
export function setAnnotations(
  deployment: Stored<Deployment>,
  present: Readonly<Record<string, string>>,
  { revision, desired, max }: SetAnnotations,
): Record<string, string> {
  const inherited = Object.entries(deployment.metadata.annotations ?? {}).filter(([key]) => !ownAnnotations.has(key));
  const before = present[revisionAnnotation];
  const isRenumbered = before !== undefined && Number(before) < revision;
  const history = [present[historyAnnotation], isRenumbered ? before : undefined].filter(Boolean).join(",");
  return {
    ...present,
    ...Object.fromEntries(inherited),
    [revisionAnnotation]: String(before === undefined ? revision : Math.max(revision, Number(before))),
    ...(history && { [historyAnnotation]: history }),
    [desiredAnnotation]: String(desired),
    [maxAnnotation]: String(max),
  };
}

/** A set of the Deployment's template. */
export function newSet(deployment: Stored<Deployment>, replicas: number, annotations: SetAnnotations): ReplicaSet {
  const { name, namespace } = deployment.metadata;
  const { template, selector, minReadySeconds } = deployment.spec!;
  const hash = contentHash(template, deployment.status?.collisionCount ?? 0);
  const labels = { ...template.metadata?.labels, [hashLabel]: hash };
  return {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: {
      name: `${name}-${hash}`,
      namespace,
      labels,
      annotations: setAnnotations(deployment, {}, annotations),
      ownerReferences: [controllerReference(deployment)],
    },
    spec: {
      replicas,
      ...(minReadySeconds && { minReadySeconds }),
      selector: { ...selector, matchLabels: { ...selector.matchLabels, [hashLabel]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  };
}

/** Old sets without pods beyond revisionHistoryLimit, the oldest revisions first. */
export function surplusSets(oldSets: readonly OwnedSet[], limit: number): OwnedSet[] {
  const idle = oldSets.filter((set) => replicasOf(set) === 0 && (set.status?.replicas ?? 0) === 0);
  return idle.sort((a, b) => revisionOf(a) - revisionOf(b)).slice(0, Math.max(0, idle.length - limit));
}
