/** A transaction's conditions. */
import { type Compare, compareResults, compareTargets } from "../proto/kv.ts";
import type { Keyspace } from "./keyspace.ts";
import type { KeyVersion } from "./version.ts";

type Side = KeyVersion | undefined;
const order = <T extends number | bigint>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0);

/** How the key's state stands to what is asked; a key that is not there counts as all zeroes. */
const targets: Readonly<Record<(typeof compareTargets)[number], (side: Side, asked: Compare) => number>> = {
  version: (side, asked) => order(side?.version ?? 0, asked.version),
  create: (side, asked) => order(side?.createRevision ?? 0, asked.createRevision),
  mod: (side, asked) => order(side?.modRevision ?? 0, asked.modRevision),
  value: (side, asked) => (side === undefined ? 0 : side.value.compare(asked.value)),
  lease: (side, asked) => order(side?.lease ?? 0n, asked.lease),
};

const results: Readonly<Record<(typeof compareResults)[number], (order: number) => boolean>> = {
  equal: (order) => order === 0,
  greater: (order) => order > 0,
  less: (order) => order < 0,
  "not-equal": (order) => order !== 0,
};

/** Of a range, every key must satisfy it; no key at all is one of zeroes, except that it has no value to compare. */
export function holds(keys: Keyspace, asked: Compare): boolean {
  const target = compareTargets[asked.target];
  const result = compareResults[asked.result];
  if (target === undefined || result === undefined) return true;
  const satisfies = (side: Side): boolean => results[result](targets[target](side, asked));
  let isAny = false;
  let isAll = true;
  keys.walk(asked.key, asked.rangeEnd, keys.revision, (version) => {
    isAny = true;
    isAll = satisfies(version);
    return isAll;
  });
  return isAny ? isAll : target !== "value" && satisfies(undefined);
}
