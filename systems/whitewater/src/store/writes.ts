/** Put, DeleteRange and Txn within an open transaction: first all checks, then the changes, so that what fails has changed nothing. */
import type { DeleteRangeResult, KeyValue, OpResult, PutResult, TxnResult } from "../kv/types.ts";
import type { DeleteRangeRequest, PutRequest, RequestOp, TxnRequest } from "../proto/kv.ts";
import { holds } from "./compare.ts";
import { checkRevision, range } from "./range.ts";
import { Refused } from "./refused.ts";
import { putKey, removeKey, type State } from "./state.ts";
import type { Steps } from "./steps.ts";
import { type KeyVersion, rowOf } from "./version.ts";

export function checkPut(state: State, request: PutRequest): void {
  checkLease(state, request);
  checkPrevious(state, request);
}

function checkLease(state: State, { lease }: PutRequest): void {
  if (lease !== 0n && state.leases.get(lease) === undefined) throw new Refused("lease-not-found");
}

function checkPrevious({ keys }: State, { key, ignoreValue, ignoreLease }: PutRequest): void {
  if ((ignoreValue || ignoreLease) && keys.get(key, keys.revision) === undefined) throw new Refused("key-not-found");
}

export function put(state: State, request: PutRequest): PutResult {
  const { keys } = state;
  const { prevKv: wantsPrevious, ignoreValue, ignoreLease } = request;
  const before = wantsPrevious || ignoreValue || ignoreLease ? keys.get(request.key, keys.openRevision) : undefined;
  const value = ignoreValue && before !== undefined ? before.value : request.value;
  const lease = ignoreLease && before !== undefined ? before.lease : request.lease;
  const { modRevision } = putKey(state, request.key, value, lease);
  const header = { revision: modRevision };
  return wantsPrevious && before !== undefined ? { header, prevKv: rowOf(before) } : { header };
}

export function* deleteRange(state: State, { key, rangeEnd, prevKv }: DeleteRangeRequest): Steps<DeleteRangeResult> {
  const { keys } = state;
  const prevKvs: KeyValue[] = [];
  let deleted = 0;
  const remove = (version: KeyVersion): boolean => {
    removeKey(state, version);
    if (prevKv) prevKvs.push(rowOf(version));
    return ++deleted > 0;
  };
  if (rangeEnd === "") keys.walk(key, "", keys.openRevision, remove);
  else
    for (const { found, scanned } of keys.pieces(key, rangeEnd, keys.openRevision)) {
      for (const version of found) remove(version);
      yield scanned;
    }
  return { header: { revision: keys.openRevision }, deleted, prevKvs };
}

/** Which branch each transaction takes, decided for all of them, nested ones too, before anything changes. */
type Path = ReadonlyMap<TxnRequest, boolean>;

/** `at`: for one that only reads, the revision at which it does; others see what they have changed so far. */
export function* txn(state: State, request: TxnRequest, at?: number): Steps<TxnResult> {
  const path = new Map<TxnRequest, boolean>();
  decide(state, request, path);
  check(state, request, path);
  return yield* execute({ state, path, now: () => at ?? state.keys.openRevision }, request);
}

const branch = (request: TxnRequest, path: Path): readonly RequestOp[] =>
  path.get(request) === true ? request.success : request.failure;

function decide(state: State, request: TxnRequest, path: Map<TxnRequest, boolean>): void {
  path.set(
    request,
    request.compare.every((compare) => holds(state.keys, compare)),
  );
  for (const { requestTxn } of branch(request, path)) if (requestTxn !== undefined) decide(state, requestTxn, path);
}

/** The operations that will be performed, those of nested transactions in their place. */
function* taken(request: TxnRequest, path: Path): Generator<RequestOp> {
  for (const op of branch(request, path)) {
    if (op.requestTxn === undefined) yield op;
    else yield* taken(op.requestTxn, path);
  }
}

/** Of several things that are wrong, the one is told that etcd would tell: it looks at a put's key before its lease here, and the other way round above. */
function check(state: State, request: TxnRequest, path: Path): void {
  const deletions: DeleteRangeRequest[] = [];
  for (const { requestPut, requestDeleteRange } of taken(request, path)) {
    if (requestDeleteRange !== undefined) deletions.push(requestDeleteRange);
    if (requestPut === undefined) continue;
    checkPrevious(state, requestPut);
    checkLease(state, requestPut);
    checkLeft(requestPut, deletions);
  }
  for (const { requestRange } of taken(request, path))
    if (requestRange !== undefined) checkRevision(state.keys, requestRange.revision, state.keys.revision);
}

/** What a put would keep may be deleted before it, by a deletion to the last key (`checkTxn` lets no other through). etcd finds out halfway, and ends its process. */
function checkLeft({ key, ignoreValue, ignoreLease }: PutRequest, deletions: readonly DeleteRangeRequest[]): void {
  if (!ignoreValue && !ignoreLease) return;
  if (deletions.some((deletion) => deletion.rangeEnd === "\0" && key >= deletion.key))
    throw new Refused("key-not-found");
}

interface Execution {
  readonly state: State;
  readonly path: Path;
  /** The revision that reads are at. */
  readonly now: () => number;
}

function* execute(execution: Execution, request: TxnRequest): Steps<TxnResult> {
  const { path, now } = execution;
  const responses: OpResult[] = [];
  for (const op of branch(request, path)) responses.push(yield* perform(execution, op));
  return { header: { revision: now() }, succeeded: path.get(request) === true, responses };
}

function* perform(execution: Execution, op: RequestOp): Steps<OpResult> {
  const { state, now } = execution;
  if (op.requestPut !== undefined) return { responsePut: put(state, op.requestPut) };
  if (op.requestDeleteRange !== undefined)
    return { responseDeleteRange: yield* deleteRange(state, op.requestDeleteRange) };
  // As in etcd, only the outermost answer of transactions within each other tells the revision.
  if (op.requestTxn !== undefined)
    return { responseTxn: { ...(yield* execute(execution, op.requestTxn)), header: { revision: 0 } } };
  if (op.requestRange === undefined) return {};
  return { responseRange: yield* range(state.keys, op.requestRange, now()) };
}
