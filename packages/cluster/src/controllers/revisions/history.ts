import type { PodTemplateSpec } from "kubernetes-types/core/v1.js";
import type { LabelSelector } from "kubernetes-types/meta/v1.js";
import { isStatus } from "../../machinery/errors.ts";
import type { ApiObject, Registry, Stored } from "../../machinery/types.ts";
import { claimChildren } from "../harness/claims.ts";
import { byNumber, keepsTemplate, newRevision, type Revision, surplusRevisions } from "./revisions.ts";

const resource = "controllerrevisions.apps";

/** The owner's revisions, oldest first; orphans that its selector matches are adopted. */
export async function listRevisions(
  store: Registry,
  owner: Stored<ApiObject>,
  selector: LabelSelector | undefined,
): Promise<Revision[]> {
  const claimed = (await claimChildren(store, resource, owner, selector)) as Revision[];
  return claimed.sort(byNumber);
}

/** The revision of this template: the newest if it is that, an older one moved to the top (a rollback), or a new one. */
export async function syncRevision(
  store: Registry,
  owner: Stored<ApiObject>,
  template: PodTemplateSpec,
  revisions: readonly Revision[],
): Promise<Revision> {
  const newest = revisions.at(-1);
  const kept = revisions.findLast((revision) => keepsTemplate(revision, template));
  if (kept && kept === newest) return kept;
  const number = (newest?.revision ?? 0) + 1;
  if (!kept) return createRevision(store, owner, template, number);
  const { namespace = "", name } = kept.metadata;
  const renumbered = await store.modify(resource, namespace, name, (draft) => {
    draft.revision = number;
  });
  return renumbered ?? createRevision(store, owner, template, number);
}

/** How many names are tried when different content has the same hash. */
const maxCollisions = 16;

async function createRevision(
  store: Registry,
  owner: Stored<ApiObject>,
  template: PodTemplateSpec,
  number: number,
): Promise<Revision> {
  const namespace = owner.metadata.namespace ?? "";
  for (let collisions = owner.status?.collisionCount ?? 0; ; collisions += 1) {
    const wanted = newRevision(owner, template, number, collisions);
    try {
      return await store.create(resource, wanted);
    } catch (error) {
      if (!isStatus(error, "AlreadyExists") || collisions >= maxCollisions) throw error;
      const existing = store.get(resource, namespace, wanted.metadata?.name ?? "");
      if (existing && keepsTemplate(existing, template)) return existing;
    }
  }
}

/** Removes revisions beyond the owner's limit. */
export async function trimHistory(
  store: Registry,
  revisions: readonly Revision[],
  limit: number,
  inUse: ReadonlySet<string>,
): Promise<void> {
  const surplus = surplusRevisions(revisions, limit, inUse);
  await Promise.all(surplus.map(({ metadata }) => store.delete(resource, metadata.namespace ?? "", metadata.name)));
}
