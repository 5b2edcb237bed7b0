/** ControllerRevisions: the numbered history of a StatefulSet's or DaemonSet's pod template, which `kubectl rollout` reads. */
import type { ControllerRevision } from "kubernetes-types/apps/v1.js";
import type { PodTemplateSpec } from "kubernetes-types/core/v1.js";
import { jsonEqual } from "../../machinery/json.ts";
import type { ApiObject, Stored } from "../../machinery/types.ts";
import { contentHash } from "../harness/hash.ts";
import { controllerReference } from "../harness/owners.ts";

export type Revision = Stored<ControllerRevision>;

/** What a revision holds: a strategic merge patch that puts the template back. */
interface RevisionData {
  readonly spec: { readonly template: PodTemplateSpec & { readonly $patch: "replace" } };
}

const hashLabel = "controller.kubernetes.io/hash";

export const byNumber = (a: ControllerRevision, b: ControllerRevision) => a.revision - b.revision;

const dataOf = (template: PodTemplateSpec): RevisionData => ({
  spec: { template: { ...template, $patch: "replace" } },
});

/** The template that a revision keeps. */
export function templateOf({ data }: ControllerRevision): PodTemplateSpec {
  const { $patch: _, ...template } = (data as RevisionData).spec.template;
  return template;
}

export const keepsTemplate = (revision: ControllerRevision, template: PodTemplateSpec) =>
  jsonEqual(revision.data, dataOf(template));

/** The short hash by which a revision is told apart. */
export const hashOf = (revision: ControllerRevision) => revision.metadata?.labels?.[hashLabel] ?? "";

/** A new revision of the owner's template with the next number. */
export function newRevision(
  owner: Stored<ApiObject>,
  template: PodTemplateSpec,
  number: number,
  collisionCount: number,
): ControllerRevision {
  const hash = contentHash(template, collisionCount);
  const { name, namespace, annotations } = owner.metadata;
  return {
    apiVersion: "apps/v1",
    kind: "ControllerRevision",
    metadata: {
      name: `${name}-${hash}`,
      namespace,
      labels: { ...template.metadata?.labels, [hashLabel]: hash },
      ...(annotations && { annotations: { ...annotations } }),
      ownerReferences: [controllerReference(owner)],
    },
    data: dataOf(template),
    revision: number,
  } as ControllerRevision;
}

/** The oldest revisions beyond the limit that nothing uses. */
export function surplusRevisions(
  revisions: readonly Revision[],
  limit: number,
  inUse: ReadonlySet<string>,
): Revision[] {
  const unused = revisions.filter(({ metadata }) => !inUse.has(metadata.name)).sort(byNumber);
  return unused.slice(0, Math.max(0, unused.length - limit));
}
