import type { LabelSelector, ObjectMeta } from "kubernetes-types/meta/v1.js";
import type { Registry, ResourceName, Stored } from "../../machinery/types.ts";
import { controllerOf, controllerReference, isControlledBy, isDeleting } from "./owners.ts";
import { selects } from "./selectors.ts";

interface WithMetadata {
  metadata?: ObjectMeta;
}

export interface Claims<T> {
  /** Controlled by the owner and selected by it. */
  readonly owned: readonly Stored<T>[];
  /** Selected, controlled by nobody: to be adopted. */
  readonly adopt: readonly Stored<T>[];
  /** Controlled by the owner but no longer selected: to be let go. */
  readonly release: readonly Stored<T>[];
}

/** Sorts candidates by what their owner should do with them. An owner on its way out adopts and releases nothing. */
export function sortClaims<T extends WithMetadata>(
  owner: Stored<WithMetadata>,
  selector: LabelSelector | undefined,
  candidates: readonly Stored<T>[],
): Claims<T> {
  const owned: Stored<T>[] = [];
  const adopt: Stored<T>[] = [];
  const release: Stored<T>[] = [];
  const isLeaving = isDeleting(owner);
  for (const candidate of candidates) {
    const isSelected = selects(selector, candidate.metadata.labels);
    if (isControlledBy(candidate, owner)) (isSelected || isLeaving ? owned : release).push(candidate);
    else if (isSelected && !controllerOf(candidate) && !isDeleting(candidate) && !isLeaving) adopt.push(candidate);
  }
  return { owned, adopt, release };
}

/**
 * Adopts and releases children, as a selector asks, and returns those that are now the owner's. This is what lets
 * `kubectl delete --cascade=orphan` followed by a new owner keep the running pods, and a relabelled pod leave its set.
 */
export async function claimChildren<R extends ResourceName>(
  store: Registry,
  resource: R,
  owner: Stored<WithMetadata>,
  selector: LabelSelector | undefined,
  accepts: (child: WithMetadata) => boolean = () => true,
): Promise<readonly Stored<WithMetadata>[]> {
  const namespace = owner.metadata.namespace ?? "";
  const candidates = store.list<string>(resource, { namespace }).filter(accepts) as Stored<WithMetadata>[];
  const { owned, adopt, release } = sortClaims(owner, selector, candidates);
  const setOwners = (child: Stored<WithMetadata>, own: boolean) =>
    store.modify<string>(resource, namespace, child.metadata.name, (draft) => {
      if (draft.metadata?.uid !== child.metadata.uid) return false;
      const others = (draft.metadata?.ownerReferences ?? []).filter(({ uid }) => uid !== owner.metadata.uid);
      draft.metadata.ownerReferences = own ? [...others, controllerReference(owner)] : others;
      return undefined;
    });
  await Promise.all(release.map((child) => setOwners(child, false)));
  const adopted = await Promise.all(adopt.map((child) => setOwners(child, true)));
  return [...owned, ...adopted.filter((child) => child !== undefined)] as Stored<WithMetadata>[];
}
