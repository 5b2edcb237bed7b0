import type { OwnerReference } from "kubernetes-types/meta/v1.js";
import type { ApiObject } from "../../machinery/types.ts";
import { formatKey } from "../harness/watch.ts";

/** Where an object is. */
export interface Place {
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
}

/** Who depends on whom, by uid. It holds one entry per owner reference in the cluster. */
export class OwnerGraph {
  readonly #dependents = new Map<string, Map<string, Place>>();

  /** The dependents of an owner. */
  dependentsOf(uid: string): readonly Place[] {
    return [...(this.#dependents.get(uid)?.values() ?? [])];
  }

  /** Replaces the owners that a dependent had by those that it has. */
  update(place: Place, before: readonly OwnerReference[], after: readonly OwnerReference[]): void {
    const key = formatKey(place);
    for (const { uid } of before) this.#remove(uid, key);
    for (const { uid } of after) this.#add(uid, key, place);
  }

  #add(uid: string, key: string, place: Place): void {
    const dependents = this.#dependents.get(uid) ?? new Map<string, Place>();
    this.#dependents.set(uid, dependents.set(key, place));
  }

  #remove(uid: string, key: string): void {
    const dependents = this.#dependents.get(uid);
    dependents?.delete(key);
    if (dependents?.size === 0) this.#dependents.delete(uid);
  }
}

export const ownersOf = (object: ApiObject | undefined): readonly OwnerReference[] =>
  object?.metadata?.ownerReferences ?? [];
