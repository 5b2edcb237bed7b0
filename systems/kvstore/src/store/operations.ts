/**
 * The operations that log entries are made of. A row's code stands in every log and is never given to another operation.
 * Each is total: whatever its arguments, it answers, and the answer and the effect depend on arguments and keyspace alone.
 */
import { KvStoreError, newerVersion } from "../errors.ts";
import {
  MAX_REPLY_BYTES,
  NOT_AN_INTEGER,
  OK,
  type Reply,
  ReplyError,
  replyBytes,
  TOO_LARGE_A_REPLY,
  WOULD_OVERFLOW,
} from "../reply.ts";
import { digestOf } from "./digest.ts";
import { type DecodedOperation, decodeOperation, encodeOperation, type Operation } from "./entry.ts";
import type { Keyspace, ReadableKeyspace } from "./keyspace.ts";
import { addFloats, parseInteger } from "./numbers.ts";
import { expiryIn, storedValue, valueIn } from "./value.ts";

type Args = readonly Buffer[];
type Run = (space: Keyspace, args: Args, query: Query) => Reply;

/** Runs a read command inside a transaction, where it must see the writes before it. */
export type Query = (space: ReadableKeyspace, name: string, args: Args) => Reply;

/** Longest value that APPEND and SETRANGE may build. */
export const MAX_VALUE_BYTES = 64 * 1024 * 1024;

const EMPTY = Buffer.alloc(0);
const arg = (args: Args, index: number): Buffer => args[index] ?? EMPTY;
const text = (args: Args, index: number): string => arg(args, index).toString("latin1");

/** Replaces the value and keeps the expiry. */
function replaceValue(space: Keyspace, key: Buffer, old: Buffer | undefined, value: Uint8Array): void {
  space.put(key, storedValue(value, old && expiryIn(old)));
}

function put(space: Keyspace, args: Args): Reply {
  for (let i = 0; i + 1 < args.length; i += 2) space.put(arg(args, i), arg(args, i + 1));
  return OK;
}

const remove: Run = (space, args) => args.reduce((removed, key) => removed + (space.remove(key) ? 1 : 0), 0);

/** Arguments: key, stored value, flags out of N (only if absent), X (only if present), K (keep the expiry), G (answer the old value). */
function putIf(space: Keyspace, args: Args): Reply {
  const key = arg(args, 0);
  const flags = text(args, 2);
  const old = space.get(key);
  const isWanted = !(flags.includes("N") && old) && !(flags.includes("X") && !old);
  if (isWanted && flags.includes("K")) replaceValue(space, key, old, valueIn(arg(args, 1)));
  else if (isWanted) space.put(key, arg(args, 1));
  if (flags.includes("G")) return old ? valueIn(old) : null;
  return isWanted ? OK : null;
}

/** All or nothing: 1 when none of the keys was there and all are now. */
function putAllIfAbsent(space: Keyspace, args: Args): Reply {
  for (let i = 0; i < args.length; i += 2) if (space.get(arg(args, i))) return 0;
  put(space, args);
  return 1;
}

function increment(space: Keyspace, args: Args): Reply {
  const key = arg(args, 0);
  const old = space.get(key);
  const before = old ? parseInteger(valueIn(old)) : 0n;
  const by = parseInteger(arg(args, 1));
  if (before === undefined || by === undefined) return NOT_AN_INTEGER;
  const after = before + by;
  if (after !== BigInt.asIntN(64, after)) return WOULD_OVERFLOW;
  replaceValue(space, key, old, Buffer.from(String(after)));
  return after;
}

function incrementFloat(space: Keyspace, args: Args): Reply {
  const key = arg(args, 0);
  const old = space.get(key);
  const sum = addFloats(old ? valueIn(old).toString("latin1") : "0", text(args, 1));
  if (sum instanceof ReplyError) return sum;
  replaceValue(space, key, old, Buffer.from(sum));
  return sum;
}

function append(space: Keyspace, args: Args): Reply {
  const old = space.get(arg(args, 0));
  const before = old ? valueIn(old) : EMPTY;
  const length = before.length + arg(args, 1).length;
  if (length > MAX_VALUE_BYTES) return TOO_LONG;
  replaceValue(space, arg(args, 0), old, Buffer.concat([before, arg(args, 1)], length));
  return length;
}

/** Arguments: key, offset, bytes. What lies between the old end and the offset becomes zero. */
function overwrite(space: Keyspace, args: Args): Reply {
  const old = space.get(arg(args, 0));
  const before = old ? valueIn(old) : EMPTY;
  const offset = Number(text(args, 1));
  const patch = arg(args, 2);
  if (patch.length === 0) return before.length;
  const length = Math.max(before.length, offset + patch.length);
  if (length > MAX_VALUE_BYTES) return TOO_LONG;
  const value = Buffer.alloc(length);
  value.set(before);
  value.set(patch, offset);
  replaceValue(space, arg(args, 0), old, value);
  return length;
}

/** Arguments: key, time in ms, condition (empty, NX, XX, GT, LT or XXLT as EXPIRE has them; no expiry counts as the furthest). */
function expireAt(space: Keyspace, args: Args): Reply {
  const key = arg(args, 0);
  const old = space.get(key);
  if (!old) return 0;
  const at = Number(text(args, 1));
  if (!mayExpireAt(expiryIn(old), at, text(args, 2))) return 0;
  if (at <= space.now) space.remove(key);
  else space.put(key, storedValue(valueIn(old), at));
  return 1;
}

function mayExpireAt(current: number | undefined, wanted: number, condition: string): boolean {
  if (condition === "NX") return current === undefined;
  if (condition === "XX") return current !== undefined;
  if (condition === "GT") return current !== undefined && wanted > current;
  if (condition === "LT") return current === undefined || wanted < current;
  if (condition === "XXLT") return current !== undefined && wanted < current;
  return true;
}

function persist(space: Keyspace, args: Args): Reply {
  const old = space.get(arg(args, 0));
  if (!old || expiryIn(old) === undefined) return 0;
  space.put(arg(args, 0), storedValue(valueIn(old)));
  return 1;
}

function take(space: Keyspace, args: Args): Reply {
  const old = space.get(arg(args, 0));
  space.remove(arg(args, 0));
  return old ? valueIn(old) : null;
}

/** Arguments: from, to, N for only if `to` is absent. */
function rename(space: Keyspace, args: Args): Reply {
  const [from, to] = [arg(args, 0), arg(args, 1)];
  const old = space.get(from);
  if (!old) return new ReplyError("ERR no such key");
  const onlyIfAbsent = text(args, 2) === "N";
  if (onlyIfAbsent && space.get(to)) return 0;
  space.remove(from);
  space.put(to, old);
  return onlyIfAbsent ? 1 : OK;
}

/** Arguments: from, to, R for also if `to` is there. 1 when copied. */
function copy(space: Keyspace, args: Args): Reply {
  const [from, to] = [arg(args, 0), arg(args, 1)];
  const value = space.get(from);
  if (!value || (space.get(to) && text(args, 2) !== "R")) return 0;
  space.put(to, value);
  return 1;
}

/** Arguments: key, bit offset, 0 or 1. Answers the bit as it was. */
function setBit(space: Keyspace, args: Args): Reply {
  const old = space.get(arg(args, 0));
  const before = old ? valueIn(old) : EMPTY;
  const [offset, bit] = [Number(text(args, 1)), Number(text(args, 2))];
  const [byte, shift] = [Math.floor(offset / 8), 7 - (offset % 8)];
  if (byte >= MAX_VALUE_BYTES) return TOO_LONG;
  const value = Buffer.alloc(Math.max(before.length, byte + 1));
  value.set(before);
  const was = value[byte] ?? 0;
  value[byte] = (was & ~(1 << shift)) | (bit << shift);
  replaceValue(space, arg(args, 0), old, value);
  return (was >> shift) & 1;
}

function clear(space: Keyspace): Reply {
  space.clear();
  return OK;
}

/**
 * A transaction. Arguments: the guards, encoded as one operation whose arguments alternate key and digest, then the operations.
 * Answers null and does nothing when a guarded value has changed.
 */
function transaction(space: Keyspace, args: Args, query: Query): Reply {
  const [guards, ...operations] = args.map(decodeOperation);
  for (let i = 0; i + 1 < (guards?.args.length ?? 0); i += 2) {
    const [key, digest] = [arg(guards?.args ?? [], i), arg(guards?.args ?? [], i + 1)];
    if (!digestOf(space.get(key)).equals(digest)) return null;
  }
  return runAll(space, operations, query);
}

/** Writes all happen; queries are answered until the answers together are too large. The same on every replica. */
function runAll(space: Keyspace, operations: readonly DecodedOperation[], query: Query): readonly Reply[] {
  let size = 0;
  return operations.map((operation) => {
    if (size > MAX_REPLY_BYTES && operation.code === OPERATIONS.query.code) return TOO_LARGE_A_REPLY;
    const reply = runOperation(space, operation, query);
    size += replyBytes(reply);
    return reply;
  });
}

const TOO_LONG = new ReplyError("ERR string exceeds maximum allowed size");

interface OperationRow {
  readonly code: number;
  readonly run: Run;
}

/** Every operation by name. Codes are for ever. */
export const OPERATIONS = {
  put: { code: 1, run: put },
  remove: { code: 2, run: remove },
  putIf: { code: 3, run: putIf },
  putAllIfAbsent: { code: 4, run: putAllIfAbsent },
  increment: { code: 5, run: increment },
  incrementFloat: { code: 6, run: incrementFloat },
  append: { code: 7, run: append },
  overwrite: { code: 8, run: overwrite },
  expireAt: { code: 9, run: expireAt },
  persist: { code: 10, run: persist },
  take: { code: 11, run: take },
  rename: { code: 12, run: rename },
  clear: { code: 13, run: clear },
  reap: { code: 14, run: (space, args) => space.reap(Number(text(args, 0))) },
  transaction: { code: 15, run: transaction },
  query: { code: 16, run: (space, args, query) => query(space, text(args, 0), args.slice(1)) },
  copy: { code: 17, run: copy },
  setBit: { code: 18, run: setBit },
} as const satisfies Record<string, OperationRow>;

export type OperationName = keyof typeof OPERATIONS;

const BY_CODE = new Map<number, Run>(Object.values(OPERATIONS).map(({ code, run }) => [code, run]));

/** Strings stand for their UTF-8 bytes. */
export const operation = (name: OperationName, ...args: readonly (Uint8Array | string)[]): Operation => ({
  code: OPERATIONS[name].code,
  args: args.map((argument) => (typeof argument === "string" ? Buffer.from(argument) : argument)),
});

/** The operations as one that happens entirely or not at all, provided that `guards` (key, digest) still hold. */
export const transactionOf = (
  guards: readonly (readonly [Uint8Array, Uint8Array])[],
  operations: readonly Operation[],
): Operation => operation("transaction", ...[{ code: 0, args: guards.flat() }, ...operations].map(encodeOperation));

/**
 * Runs one operation. Throws `newer-version` for a code that this program does not know: whoever went on without it would hold other data than
 * the members that do know it, and nobody would notice.
 */
export function runOperation(space: Keyspace, { code, args }: { code: number; args: Args }, query: Query): Reply {
  const run = BY_CODE.get(code);
  if (!run) throw newerVersion(`operation ${code}`);
  try {
    return run(space, args, query);
  } catch (error) {
    if (error instanceof KvStoreError && error.code === "corrupt") return new ReplyError(`ERR ${error.message}`);
    throw error;
  }
}
