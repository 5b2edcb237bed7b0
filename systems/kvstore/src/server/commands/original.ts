/** The verbs of the original kvstore. Over RESP they take and give what RESP can carry; typed into telnet they answer in its plain text. */
import { NOT_AN_INTEGER, type Reply, ReplyError, SYNTAX_ERROR, wrongArity } from "../../reply.ts";
import type { Operation } from "../../store/entry.ts";
import { MAX_KEY_BYTES, type RangeQuery, type ReadableKeyspace } from "../../store/keyspace.ts";
import { parseInteger } from "../../store/numbers.ts";
import { operation } from "../../store/operations.ts";
import { storedValue, valueIn } from "../../store/value.ts";
import { type Args, at, type Command, keyword } from "../command.ts";
import { storedPairs, valueAt } from "./strings.ts";

const SEPARATOR = "||";
const KEY_TOO_LONG = new ReplyError(`ERR key is longer than ${MAX_KEY_BYTES} bytes`);
/** The most that one READRANGE answers; LIMIT and AFTER page through more. */
const MAX_RANGE_BYTES = 64 * 1024 * 1024;

/** `k1 v1 k2 v2 ...`, or the original's two lists `k1||k2 v1||v2`. */
function planBatch(args: Args): Operation | ReplyError {
  if (args.length !== 2) return args.length % 2 === 0 ? planPairs(args) : wrongArity("batchput");
  const [keys, values] = args.map((list) => list.toString("latin1").split(SEPARATOR));
  if (!keys || keys.length !== values?.length)
    return new ReplyError(`ERR ${keys?.length} keys and ${values?.length} values: as many values as keys are needed`);
  const pairs = keys.flatMap((key, index) => [key, values[index] ?? ""]);
  return planPairs(pairs.map((text) => Buffer.from(text, "latin1")));
}

/** Keys inside a list are known only here, so their length is checked here: a batch is stored whole or not at all. */
function planPairs(pairs: Args): Operation | ReplyError {
  const isTooLong = pairs.some((key, index) => index % 2 === 0 && key.length > MAX_KEY_BYTES);
  return isTooLong ? KEY_TOO_LONG : operation("put", ...storedPairs(pairs));
}

/** READRANGE start end [LIMIT n] [AFTER key]: both ends included; AFTER continues behind the last key of the page before. */
function rangeQuery(args: Args): RangeQuery | ReplyError {
  let query: RangeQuery = { start: at(args, 0), end: at(args, 1) };
  for (let i = 2; i < args.length; i += 2) {
    const value = args[i + 1];
    if (!value) return SYNTAX_ERROR;
    const word = keyword(args[i]);
    const limit = word === "LIMIT" ? parseInteger(value) : undefined;
    if (word === "LIMIT" && (limit === undefined || limit < 0n)) return NOT_AN_INTEGER;
    if (word === "LIMIT") query = { ...query, limit: Number(limit) };
    else if (word !== "AFTER") return SYNTAX_ERROR;
    else if (Buffer.compare(value, at(args, 0)) >= 0) query = { ...query, start: value, afterStart: true };
  }
  return query;
}

function readRange(space: ReadableKeyspace, args: Args): Reply {
  const query = rangeQuery(args);
  if (query instanceof ReplyError) return query;
  const pairs: Buffer[] = [];
  let size = 0;
  for (const { key, stored } of space.range(query)) {
    size += key.length + stored.length;
    if (size > MAX_RANGE_BYTES)
      return new ReplyError("ERR range too large: page through it with LIMIT n and AFTER key");
    pairs.push(key, valueIn(stored));
  }
  return pairs;
}

export const ORIGINAL_COMMANDS: readonly Command[] = [
  {
    kind: "write",
    name: "put",
    arity: 3,
    keys: [1, 1, 1],
    summary: "Sets a key.",
    plan: (args) => operation("put", at(args, 0), storedValue(at(args, 1))),
  },
  {
    kind: "read",
    name: "read",
    arity: 2,
    keys: [1, 1, 1],
    summary: "Returns the value of a key.",
    run: (space, args) => valueAt(space, at(args, 0)),
  },
  {
    kind: "write",
    name: "delete",
    arity: 2,
    keys: [1, 1, 1],
    frees: true,
    summary: "Removes a key.",
    plan: (args) => operation("remove", at(args, 0)),
  },
  {
    kind: "write",
    name: "batchput",
    arity: -3,
    summary: "Sets several keys at once.",
    plan: planBatch,
  },
  {
    kind: "read",
    name: "readrange",
    arity: -3,
    summary: "Returns the keys between two, both included, and their values, in order.",
    run: readRange,
  },
];
