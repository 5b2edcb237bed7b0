import type { ApiObject, Change, Stored } from "../types.ts";

export type ObjectChange = Change<ApiObject>;

/** The version that a change made. */
export const versionOf = (change: ObjectChange): number => Number(change.object.metadata.resourceVersion);

/**
 * The latest changes of one resource, for watchers that resume and for pages of an older version.
 * Invariant: every change with a version above `floor` is here, in order.
 */
export class History {
  readonly #limit: number;
  #changes: ObjectChange[] = [];
  #floor: number;

  constructor(limit: number, floor: number) {
    this.#limit = limit;
    this.#floor = floor;
  }

  /** The oldest version from which a watch can resume. */
  get floor(): number {
    return this.#floor;
  }

  /** Drops the older half when twice the limit is reached, so that a push costs next to nothing on average. */
  push(change: ObjectChange): void {
    this.#changes.push(change);
    if (this.#changes.length < 2 * this.#limit) return;
    const dropped = this.#changes[this.#limit - 1] as ObjectChange;
    this.#floor = versionOf(dropped);
    this.#changes = this.#changes.slice(this.#limit);
  }

  /** Changes after `version`, or undefined when some of them are gone. */
  since(version: number): readonly ObjectChange[] | undefined {
    if (version < this.#floor) return undefined;
    return this.#changes.slice(this.#firstAfter(version));
  }

  #firstAfter(version: number): number {
    let low = 0;
    let high = this.#changes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (versionOf(this.#changes[middle] as ObjectChange) <= version) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Takes the changes after `version` back out of `current`; undefined when they are no longer known. */
  rewind(current: readonly Stored<ApiObject>[], version: number): Map<string, Stored<ApiObject>> | undefined {
    const changes = this.since(version);
    if (!changes) return undefined;
    const items = new Map(current.map((item) => [keyOf(item), item]));
    for (const { object, previous } of changes.toReversed()) {
      if (previous) items.set(keyOf(object), previous);
      else items.delete(keyOf(object));
    }
    return items;
  }
}

/** Where the object sorts within its resource. */
export const keyOf = (object: Stored<ApiObject>): string =>
  `${object.metadata.namespace ?? ""}/${object.metadata.name}`;
