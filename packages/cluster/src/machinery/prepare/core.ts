/** What the server works out about the smaller kinds. */
import { items } from "../defaults/fill.ts";
import { jsonEqual } from "../json.ts";
import type { WriteContext } from "../resources/row.ts";
import type { ApiObject } from "../types.ts";
import { timestamp } from "../write/metadata.ts";

const nameLabel = "kubernetes.io/metadata.name";

export function prepareNamespace(namespace: ApiObject, _context: WriteContext, old?: ApiObject): void {
  const metadata = namespace.metadata!;
  metadata.labels = { ...metadata.labels, [nameLabel]: metadata.name! };
  if (old) {
    namespace.spec = old.spec;
    return;
  }
  const finalizers: string[] = namespace.spec?.finalizers ?? [];
  namespace.spec = { finalizers: finalizers.includes("kubernetes") ? finalizers : [...finalizers, "kubernetes"] };
  namespace.status = { phase: "Active" };
}

const setPending = (finalizer: string) => (object: ApiObject, _context: WriteContext, old?: ApiObject) => {
  if (old) return;
  object.status = { phase: "Pending" };
  const finalizers = object.metadata!.finalizers ?? [];
  object.metadata!.finalizers = finalizers.includes(finalizer) ? finalizers : [...finalizers, finalizer];
};

/** The finalizers are Kubernetes' storage-object-in-use protection; a controller removes them. */
export const prepareVolume = setPending("kubernetes.io/pv-protection");
const protectClaim = setPending("kubernetes.io/pvc-protection");

const defaultClassAnnotation = "storageclass.kubernetes.io/is-default-class";

export function prepareClaim(claim: ApiObject, context: WriteContext, old?: ApiObject): void {
  protectClaim(claim, context, old);
  const { spec } = claim;
  if (old && spec.volumeName === undefined && old.spec.volumeName) spec.volumeName = old.spec.volumeName;
  if (spec.storageClassName !== undefined) return;
  const name = old
    ? old.spec.storageClassName
    : context.list("storageclasses.storage.k8s.io").find(isDefaultClass)?.metadata.name;
  if (name !== undefined) spec.storageClassName = name;
}

const isDefaultClass = ({ metadata }: ApiObject) => metadata?.annotations?.[defaultClassAnnotation] === "true";

const legacyLabels = (job: ApiObject) => ({
  "batch.kubernetes.io/controller-uid": job.metadata!.uid!,
  "batch.kubernetes.io/job-name": job.metadata!.name!,
  "controller-uid": job.metadata!.uid!,
  "job-name": job.metadata!.name!,
});

/** A job selects its own pods by its uid unless its author chose a selector. */
export function prepareJob(job: ApiObject, _context: WriteContext, old?: ApiObject): void {
  const { spec } = job;
  if (old || spec.manualSelector || !spec.template) return;
  const { metadata = {} } = spec.template;
  spec.template.metadata = { ...metadata, labels: { ...metadata.labels, ...legacyLabels(job) } };
  spec.selector ??= { matchLabels: { "batch.kubernetes.io/controller-uid": job.metadata!.uid } };
}

const templateGeneration = "deprecated.daemonset.template.generation";

/** Kubernetes still counts the templates of a DaemonSet in an annotation, though revisions took over its purpose. */
export function prepareDaemonSet(set: ApiObject, _context: WriteContext, old?: ApiObject): void {
  const metadata = set.metadata!;
  const before = Number(old?.metadata?.annotations?.[templateGeneration] ?? 0);
  const isNew = !old || !jsonEqual(set.spec.template, old.spec.template);
  metadata.annotations = { ...metadata.annotations, [templateGeneration]: String(isNew ? before + 1 : before) };
}

/** An empty status is told as such. */
export const beginStatus =
  (status: Readonly<Record<string, unknown>> = {}) =>
  (object: ApiObject): void => {
    object.status ??= { ...status };
  };

/** Names are never refused here, so a definition is established as soon as it is stored. */
export function prepareCustomResourceDefinition(definition: ApiObject, context: WriteContext, old?: ApiObject): void {
  const { names, versions } = definition.spec ?? {};
  const time = timestamp(context.now);
  const condition = (type: string, reason: string, message: string) => ({
    type,
    status: "True",
    reason,
    message,
    lastTransitionTime: time,
  });
  const stored = items(versions)
    .filter(({ storage }) => storage)
    .map(({ name }) => name);
  definition.status = {
    conditions: old?.status?.conditions ?? [
      condition("NamesAccepted", "NoConflicts", "no conflicts found"),
      condition("Established", "InitialNamesAccepted", "the initial names have been accepted"),
    ],
    acceptedNames: names,
    storedVersions: [...new Set([...(old?.status?.storedVersions ?? []), ...stored])],
  };
}
