/** What is wrong with a request whatever the state is; the same findings, in the same order, as etcd's. */
import {
  type PutRequest,
  type RangeRequest,
  type RequestOp,
  sortOrders,
  sortTargets,
  type TxnRequest,
} from "../proto/kv.ts";
import { refuse } from "./refusals.ts";

export function checkRange(request: RangeRequest): void {
  if (request.key === "") throw refuse("empty-key");
  if (!(request.sortOrder in sortOrders) || !(request.sortTarget in sortTargets)) throw refuse("invalid-sort");
}

export function checkPut(request: PutRequest): void {
  if (request.key === "") throw refuse("empty-key");
  if (request.ignoreValue && request.value.length > 0) throw refuse("value-provided");
  if (request.ignoreLease && request.lease !== 0n) throw refuse("lease-provided");
}

export function checkDelete(request: { readonly key: string }): void {
  if (request.key === "") throw refuse("empty-key");
}

export function checkTxn(request: TxnRequest, maxOps: number): void {
  checkOps(request, maxOps);
  writesOf(request.success);
  writesOf(request.failure);
}

function checkOps({ compare, success, failure }: TxnRequest, maxOps: number): void {
  const most = Math.max(compare.length, success.length, failure.length);
  if (most > maxOps) throw refuse("too-many-ops");
  for (const { key } of compare) if (key === "") throw refuse("empty-key");
  for (const op of [...success, ...failure]) checkOp(op, maxOps - most);
}

function checkOp({ requestRange, requestPut, requestDeleteRange, requestTxn }: RequestOp, maxOps: number): void {
  if (requestRange !== undefined) checkRange(requestRange);
  else if (requestPut !== undefined) checkPut(requestPut);
  else if (requestDeleteRange !== undefined) checkDelete(requestDeleteRange);
  else if (requestTxn !== undefined) checkOps(requestTxn, maxOps);
  else throw refuse("key-not-found");
}

interface Range {
  readonly key: string;
  readonly rangeEnd: string;
}

interface Writes {
  readonly puts: ReadonlySet<string>;
  readonly deletions: readonly Range[];
}

/** As in etcd, a deletion "from a key on" (`\0`) passes as touching nothing: a later put of the same transaction then makes the key anew. */
const covers = ({ key, rangeEnd }: Range, put: string): boolean =>
  rangeEnd === "" ? put === key : put >= key && put < rangeEnd;

/**
 * A key may be put once in a transaction, and not where it is deleted; the two branches of one condition exclude each other. As in etcd, a nested deletion
 * is held against the puts that follow it alone.
 */
function writesOf(ops: readonly RequestOp[]): Writes {
  const puts = new Set<string>();
  const deletions: Range[] = ops.flatMap(({ requestDeleteRange }) => requestDeleteRange ?? []);
  for (const { requestTxn } of ops) {
    if (requestTxn === undefined) continue;
    const nested = branchesOf(requestTxn);
    for (const put of nested.puts) addPut(put, puts, deletions);
    deletions.push(...nested.deletions);
  }
  for (const { requestPut } of ops) if (requestPut !== undefined) addPut(requestPut.key, puts, deletions);
  return { puts, deletions };
}

function addPut(put: string, puts: Set<string>, deletions: readonly Range[]): void {
  if (puts.has(put) || deletions.some((deletion) => covers(deletion, put))) throw refuse("duplicate-key");
  puts.add(put);
}

function branchesOf({ success, failure }: TxnRequest): Writes {
  const one = writesOf(success);
  const other = writesOf(failure);
  return {
    puts: new Set([...one.puts, ...other.puts]),
    deletions: [...one.deletions, ...other.deletions],
  };
}

/** Changes nothing, so that it needs no place in the log. As in etcd, one with a nested transaction does not count. */
export const isReadOnly = ({ success, failure }: TxnRequest): boolean =>
  [...success, ...failure].every(({ requestRange }) => requestRange !== undefined);

export const isSerializable = ({ success, failure }: TxnRequest): boolean =>
  [...success, ...failure].every(({ requestRange }) => requestRange?.serializable === true);
