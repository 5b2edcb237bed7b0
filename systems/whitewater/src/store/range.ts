/** Range reads: what of the visible keys is wanted, in which order, and how many. */
import type { RangeResult } from "../kv/types.ts";
import { noBytes } from "../proto/fields.ts";
import { type KeyValue, type RangeRequest, sortTargets } from "../proto/kv.ts";
import type { Keyspace } from "./keyspace.ts";
import { Refused } from "./refused.ts";
import { type Steps, stepKeys } from "./steps.ts";
import { type KeyVersion, rowOf } from "./version.ts";

const descending = 2;

/** `current` is the revision that counts as now, `mostBytes` bounds keys and values of the answer. Throws Refused. */
export function* range(
  keyspace: Keyspace,
  request: RangeRequest,
  current: number,
  mostBytes = Number.POSITIVE_INFINITY,
): Steps<RangeResult> {
  checkRevision(keyspace, request.revision, current);
  const revision = request.revision > 0 ? request.revision : current;
  const header = { revision: current };
  const wanted = collector(request);
  if (request.rangeEnd === "") keyspace.walk(request.key, "", revision, wanted.visit);
  else
    for (const { found, scanned } of keyspace.pieces(request.key, request.rangeEnd, revision)) {
      for (const version of found) wanted.visit(version);
      yield scanned;
    }
  if (request.countOnly) return { header, kvs: [], more: false, count: wanted.count() };
  const sorted = inOrder(wanted.found, request);
  const more = request.limit > 0 && sorted.length > request.limit;
  const kept = more ? sorted.slice(0, request.limit) : sorted;
  checkSize(kept, request.keysOnly, mostBytes);
  return { header, kvs: yield* rows(kept, request.keysOnly), more, count: wanted.count() };
}

function* rows(versions: readonly KeyVersion[], isWithoutValues: boolean): Steps<KeyValue[]> {
  const made: KeyValue[] = [];
  for (const version of versions) {
    made.push(isWithoutValues ? withoutValue(version) : rowOf(version));
    if (made.length % stepKeys === 0) yield stepKeys;
  }
  return made;
}

/** An answer is one message, which is in memory until its reader has taken it. */
function checkSize(kept: readonly KeyVersion[], isWithoutValues: boolean, mostBytes: number): void {
  let bytes = 0;
  for (const { key, length } of kept) bytes += key.length + (isWithoutValues ? 0 : length);
  if (bytes > mostBytes) throw new Refused("answer-too-large");
}

export function checkRevision(keyspace: Keyspace, revision: number, current: number): void {
  if (revision <= 0) return;
  if (revision > current) throw new Refused("future-revision");
  if (revision < keyspace.compactRevision) throw new Refused("compacted");
}

/** Counts all, keeps what may be part of the answer. */
function collector(request: RangeRequest) {
  const found: KeyVersion[] = [];
  let count = 0;
  // As in etcd, a target without an order does not count here, although `inOrder` then sorts: what is sorted is what the limit left.
  const isWholeNeeded = (request.sortOrder !== 0 && !isKeyOrder(request)) || hasFilter(request);
  const most = request.limit > 0 && !isWholeNeeded ? request.limit + 1 : Number.POSITIVE_INFINITY;
  const visit = (version: KeyVersion): boolean => {
    count++;
    if (!request.countOnly && found.length < most && passes(version, request)) found.push(version);
    return true;
  };
  return { visit, found, count: () => count };
}

const isKeyOrder = ({ sortOrder, sortTarget }: RangeRequest): boolean => sortTarget === 0 && sortOrder !== descending;

const hasFilter = (request: RangeRequest): boolean =>
  request.minModRevision !== 0 ||
  request.maxModRevision !== 0 ||
  request.minCreateRevision !== 0 ||
  request.maxCreateRevision !== 0;

const within = (value: number, min: number, max: number): boolean =>
  (min === 0 || value >= min) && (max === 0 || value <= max);

const passes = (version: KeyVersion, request: RangeRequest): boolean =>
  within(version.modRevision, request.minModRevision, request.maxModRevision) &&
  within(version.createRevision, request.minCreateRevision, request.maxCreateRevision);

type Order = (a: KeyVersion, b: KeyVersion) => number;

const orders: Readonly<Record<(typeof sortTargets)[number], Order>> = {
  key: (a, b) => (a.key < b.key ? -1 : 1),
  version: (a, b) => a.version - b.version,
  create: (a, b) => a.createRevision - b.createRevision,
  mod: (a, b) => a.modRevision - b.modRevision,
  value: (a, b) => a.value.compare(b.value),
};

/** As etcd's: a target other than the key sorts even where no order is asked for. Equal ones stay in key order. */
function inOrder(found: KeyVersion[], request: RangeRequest): KeyVersion[] {
  if (isKeyOrder(request)) return found;
  const order = orders[sortTargets[request.sortTarget] ?? "key"];
  return found.sort(request.sortOrder === descending ? (a, b) => order(b, a) : order);
}

const withoutValue = ({ key, createRevision, modRevision, version, lease }: KeyValue): KeyValue => ({
  key,
  createRevision,
  modRevision,
  version,
  lease,
  value: noBytes,
});
