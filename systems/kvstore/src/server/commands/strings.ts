/** Commands on string values. */
import {
  MAX_REPLY_BYTES,
  NOT_AN_INTEGER,
  OK,
  type Reply,
  ReplyError,
  replyBytes,
  SYNTAX_ERROR,
  TOO_LARGE_A_REPLY,
  wrongArity,
} from "../../reply.ts";
import type { Operation } from "../../store/entry.ts";
import type { ReadableKeyspace } from "../../store/keyspace.ts";
import { parseInteger } from "../../store/numbers.ts";
import { MAX_VALUE_BYTES, operation, transactionOf } from "../../store/operations.ts";
import { storedValue, valueIn } from "../../store/value.ts";
import { type Args, at, type Command, EMPTY_ARG, type WriteCommand } from "../command.ts";
import { futureTime, TIME_OPTIONS } from "./expiry.ts";
import { setOptions } from "./set-options.ts";

export const valueAt = (space: ReadableKeyspace, key: Buffer): Buffer | null => {
  const stored = space.get(key);
  return stored ? valueIn(stored) : null;
};

function valuesAt(space: ReadableKeyspace, keys: Args): Reply {
  const values: (Buffer | null)[] = [];
  let size = 0;
  for (const key of keys) {
    const value = valueAt(space, key);
    size += replyBytes(value);
    if (size > MAX_REPLY_BYTES) return TOO_LARGE_A_REPLY;
    values.push(value);
  }
  return values;
}

function planSet(args: Args, now: number): Operation | ReplyError {
  const [key, value] = [at(args, 0), at(args, 1)];
  if (args.length === 2) return operation("put", key, storedValue(value));
  const options = setOptions("set", "NXGK", args.slice(2), now);
  if (options instanceof ReplyError) return options;
  const stored = storedValue(value, options.expiresAt);
  return options.flags === "" ? operation("put", key, stored) : operation("putIf", key, stored, options.flags);
}

/** The value as it was, and its expiry changed: both in one. */
function planGetEx(args: Args, now: number): Operation | ReplyError {
  const key = at(args, 0);
  const options = setOptions("getex", "P", args.slice(1), now);
  if (options instanceof ReplyError) return options;
  const { flags, expiresAt } = options;
  const change = expiresAt !== undefined ? [operation("expireAt", key, String(expiresAt), "")] : [];
  return transactionOf([], [operation("query", "get", key), ...(flags === "" ? change : [operation("persist", key)])]);
}

/** Key, value, key, value ... with the values in stored form. */
export const storedPairs = (args: Args): readonly Buffer[] =>
  args.map((arg, index) => (index % 2 === 1 ? storedValue(arg) : arg));

const planPairs = (
  name: "mset" | "msetnx",
  operationName: "put" | "putAllIfAbsent",
  args: Args,
): Operation | ReplyError =>
  args.length % 2 === 0 ? operation(operationName, ...storedPairs(args)) : wrongArity(name);

function planIncrement(args: Args, sign: bigint): Operation | ReplyError {
  const by = args[1] ? parseInteger(args[1]) : 1n;
  if (by === undefined) return NOT_AN_INTEGER;
  const signed = by * sign;
  if (signed !== BigInt.asIntN(64, signed)) return new ReplyError("ERR decrement would overflow");
  return operation("increment", at(args, 0), String(signed));
}

function planOverwrite(args: Args): Operation | ReplyError {
  const offset = parseInteger(at(args, 1));
  if (offset === undefined) return NOT_AN_INTEGER;
  if (offset < 0n) return new ReplyError("ERR offset is out of range");
  const end = offset + BigInt(at(args, 2).length);
  if (end > offset && end > BigInt(MAX_VALUE_BYTES))
    return new ReplyError("ERR string exceeds maximum allowed size (proto-max-bulk-len)");
  return operation("overwrite", at(args, 0), String(end > offset ? offset : 0n), at(args, 2));
}

/** Bytes from start to end, both included, negative ones counted from the end. */
function slice(space: ReadableKeyspace, args: Args): Reply {
  const [start, end] = [parseInteger(at(args, 1)), parseInteger(at(args, 2))];
  if (start === undefined || end === undefined) return NOT_AN_INTEGER;
  const value = valueAt(space, at(args, 0)) ?? EMPTY_ARG;
  const offset = (index: bigint): number => Number(index < 0n ? index + BigInt(value.length) : index);
  if (start < 0n && end < 0n && start > end) return EMPTY_ARG;
  return value.subarray(Math.max(0, offset(start)), Math.max(0, offset(end)) + 1);
}

const planTimedSet =
  (name: string, option: string) =>
  (args: Args, now: number): Operation | ReplyError => {
    const unit = TIME_OPTIONS[option];
    const time = unit ? futureTime(at(args, 1), unit, now, name) : SYNTAX_ERROR;
    return time instanceof ReplyError ? time : operation("put", at(args, 0), storedValue(at(args, 2), time));
  };

type WriteRow = Omit<WriteCommand, "kind" | "keys"> & { keys?: WriteCommand["keys"] };
const write = (row: WriteRow): WriteCommand => ({ keys: [1, 1, 1], ...row, kind: "write" });
const asCount = (reply: Reply): Reply => (reply === null ? 0 : reply === OK ? 1 : reply);

export const STRING_COMMANDS: readonly Command[] = [
  {
    kind: "read",
    name: "get",
    arity: 2,
    keys: [1, 1, 1],
    summary: "Returns the value of a key.",
    run: (space, args) => valueAt(space, at(args, 0)),
  },
  {
    kind: "read",
    name: "mget",
    arity: -2,
    keys: [1, -1, 1],
    summary: "Returns the values of several keys.",
    run: valuesAt,
  },
  {
    kind: "read",
    name: "strlen",
    arity: 2,
    keys: [1, 1, 1],
    summary: "Returns the length of a value.",
    run: (space, args) => valueAt(space, at(args, 0))?.length ?? 0,
  },
  ...["getrange", "substr"].map(
    (name): Command => ({
      kind: "read",
      name,
      arity: 4,
      keys: [1, 1, 1],
      summary: "Returns a part of a value.",
      run: slice,
    }),
  ),
  write({ name: "set", arity: -3, summary: "Sets a key, with conditions and an expiry if wanted.", plan: planSet }),
  write({
    name: "setnx",
    arity: 3,
    summary: "Sets a key that does not exist.",
    plan: (args) => operation("putIf", at(args, 0), storedValue(at(args, 1)), "N"),
    answer: asCount,
  }),
  write({
    name: "setex",
    arity: 4,
    summary: "Sets a key that expires after seconds.",
    plan: planTimedSet("setex", "EX"),
  }),
  write({
    name: "psetex",
    arity: 4,
    summary: "Sets a key that expires after milliseconds.",
    plan: planTimedSet("psetex", "PX"),
  }),
  write({
    name: "getset",
    arity: 3,
    summary: "Sets a key and returns its old value.",
    plan: (args) => operation("putIf", at(args, 0), storedValue(at(args, 1)), "G"),
  }),
  write({
    name: "getdel",
    arity: 2,
    frees: true,
    summary: "Removes a key and returns its value.",
    plan: (args) => operation("take", at(args, 0)),
  }),
  write({
    name: "getex",
    arity: -2,
    frees: true,
    summary: "Returns the value of a key and changes its expiry.",
    plan: planGetEx,
    answer: (reply) => (Array.isArray(reply) ? reply[0] : reply),
  }),
  write({
    name: "mset",
    arity: -3,
    keys: [1, -1, 2],
    summary: "Sets several keys at once.",
    plan: (args) => planPairs("mset", "put", args),
  }),
  write({
    name: "msetnx",
    arity: -3,
    keys: [1, -1, 2],
    summary: "Sets several keys at once, if none of them exists.",
    plan: (args) => planPairs("msetnx", "putAllIfAbsent", args),
  }),
  write({ name: "incr", arity: 2, summary: "Adds one to a number.", plan: (args) => planIncrement(args, 1n) }),
  write({ name: "decr", arity: 2, summary: "Takes one from a number.", plan: (args) => planIncrement(args, -1n) }),
  write({ name: "incrby", arity: 3, summary: "Adds to a number.", plan: (args) => planIncrement(args, 1n) }),
  write({ name: "decrby", arity: 3, summary: "Subtracts from a number.", plan: (args) => planIncrement(args, -1n) }),
  write({
    name: "incrbyfloat",
    arity: 3,
    summary: "Adds to a decimal number.",
    plan: (args) => operation("incrementFloat", at(args, 0), at(args, 1)),
  }),
  write({
    name: "append",
    arity: 3,
    summary: "Adds bytes to the end of a value.",
    plan: (args) => operation("append", at(args, 0), at(args, 1)),
  }),
  write({ name: "setrange", arity: 4, summary: "Overwrites a part of a value.", plan: planOverwrite }),
];
