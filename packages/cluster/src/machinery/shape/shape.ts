/**
 * How lists and maps of a kind merge. Kubernetes says it with markers on Go types (`patchStrategy`, `listType`, `mapType`); only what differs
 * from the rule is written down: maps merge key by key, lists are replaced whole.
 */

export interface Shape {
  /** Replaced and owned whole, although it is a map. */
  readonly isAtomic?: boolean;
  readonly fields?: Readonly<Record<string, Shape>>;
  /** Any other key of a map. */
  readonly values?: Shape;
  readonly list?: ListShape;
}

export interface ListShape {
  /** Fields that tell items apart in server-side apply; absent for lists that are owned whole. */
  readonly keys?: readonly string[];
  /** A list of values without repetition. */
  readonly isSet?: boolean;
  /** The field that tells items apart in a strategic merge; absent where it replaces. */
  readonly mergeKey?: string;
  readonly item?: Shape;
}

export const granular: Shape = {};
export const atomic: Shape = { isAtomic: true };
export const setOfValues: Shape = { list: { isSet: true } };

/** A list of maps told apart by `keys`, of which the first is the strategic merge key too. */
export const listBy = (keys: readonly string[], item: Shape = granular): Shape => ({
  list: { keys, mergeKey: keys[0] as string, item },
});

/** Owned whole in server-side apply, merged by `mergeKey` in a strategic merge. */
export const mergedBy = (mergeKey: string, item: Shape = granular): Shape => ({ list: { mergeKey, item } });

/** Owned by `keys` in server-side apply, replaced in a strategic merge. */
export const ownedBy = (keys: readonly string[], item: Shape = granular): Shape => ({ list: { keys, item } });

/** The shape of one field of a map. */
export const fieldOf = (shape: Shape | undefined, field: string): Shape =>
  shape?.fields?.[field] ?? shape?.values ?? granular;
