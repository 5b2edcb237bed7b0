/** Commands on keys whatever their value, and the walks over them. */
import {
  MAX_REPLY_BYTES,
  NO_SUCH_DB,
  NOT_AN_INTEGER,
  type Reply,
  ReplyError,
  replyBytes,
  Status,
  SYNTAX_ERROR,
  TOO_LARGE_A_REPLY,
} from "../../reply.ts";
import type { Operation } from "../../store/entry.ts";
import type { ReadableKeyspace, Row } from "../../store/keyspace.ts";
import { parseInteger } from "../../store/numbers.ts";
import { operation } from "../../store/operations.ts";
import { type Args, at, type Command, keyword, type WriteCommand } from "../command.ts";
import type { ScanCursors } from "../cursors.ts";
import { compileGlob, type Glob } from "./glob.ts";

const DEFAULT_SCAN_COUNT = 10;
/** Keys looked at by one SCAN, whatever it asks for, so that no call holds up the others. */
const MAX_SCAN_COUNT = 10_000;

const existing = (space: ReadableKeyspace, keys: Args): number => keys.filter((key) => space.get(key)).length;

const latin1 = (key: Buffer): string => key.toString("latin1");

/** Rows whose keys start as the pattern does. */
function* candidates(space: ReadableKeyspace, glob: Glob): Generator<Row> {
  for (const row of space.range({ start: Buffer.from(glob.prefix, "latin1") })) {
    if (!latin1(row.key).startsWith(glob.prefix)) return;
    yield row;
  }
}

function listKeys(space: ReadableKeyspace, args: Args): Reply {
  const glob = compileGlob(latin1(at(args, 0)));
  const keys: Buffer[] = [];
  let size = 0;
  for (const { key } of candidates(space, glob)) {
    if (!glob.matches(latin1(key))) continue;
    size += replyBytes(key);
    if (size > MAX_REPLY_BYTES) return TOO_LARGE_A_REPLY;
    keys.push(key);
  }
  return keys;
}

interface ScanOptions {
  match: Glob | undefined;
  count: number;
  isOtherType: boolean;
}

function scanOptions(args: Args): ScanOptions | ReplyError {
  const options: ScanOptions = { match: undefined, count: DEFAULT_SCAN_COUNT, isOtherType: false };
  for (let i = 0; i < args.length; i += 2) {
    const value = args[i + 1];
    const word = keyword(args[i]);
    if (!value) return SYNTAX_ERROR;
    if (word === "MATCH") options.match = compileGlob(latin1(value));
    else if (word === "TYPE") options.isOtherType = latin1(value).toLowerCase() !== "string";
    else if (word === "COUNT") {
      const count = parseInteger(value);
      if (count === undefined) return NOT_AN_INTEGER;
      if (count < 1n) return SYNTAX_ERROR;
      options.count = Math.min(Number(count), MAX_SCAN_COUNT);
    } else return SYNTAX_ERROR;
  }
  return options;
}

function scan(space: ReadableKeyspace, args: Args, cursors: ScanCursors): Reply {
  const cursor = latin1(at(args, 0));
  if (!/^\d{1,20}$/.test(cursor)) return new ReplyError("ERR invalid cursor");
  const options = scanOptions(args.slice(1));
  if (options instanceof ReplyError) return options;
  const after = cursors.find(cursor);
  const rows = [...space.range({ ...(after && { start: after, afterStart: true }), limit: options.count })];
  const last = rows.at(-1);
  const next = last && rows.length === options.count ? cursors.keep(last.key) : "0";
  const isWanted = (key: Buffer): boolean => !options.isOtherType && (options.match?.matches(latin1(key)) ?? true);
  return [next, rows.map(({ key }) => key).filter(isWanted)];
}

const write = (row: Omit<WriteCommand, "kind">): WriteCommand => ({ ...row, kind: "write" });

/** COPY from to [DB 0] [REPLACE] */
function planCopy(args: Args): Operation | ReplyError {
  const [from, to] = [at(args, 0), at(args, 1)];
  let flags = "";
  for (let i = 2; i < args.length; i++) {
    const word = keyword(args[i]);
    if (word === "REPLACE") flags = "R";
    else if (word === "DB" && i + 1 < args.length) {
      const index = parseInteger(at(args, ++i));
      if (index === undefined) return NOT_AN_INTEGER;
      if (index !== 0n) return NO_SUCH_DB;
    } else return SYNTAX_ERROR;
  }
  return from.equals(to)
    ? new ReplyError("ERR source and destination objects are the same")
    : operation("copy", from, to, flags);
}

const flush = (name: string): WriteCommand =>
  write({
    name,
    arity: -1,
    frees: true,
    summary: "Removes all keys.",
    plan: (args) =>
      args.length === 0 || (args.length === 1 && ["SYNC", "ASYNC"].includes(keyword(args[0])))
        ? operation("clear")
        : SYNTAX_ERROR,
  });

export const KEY_COMMANDS: readonly Command[] = [
  ...["exists", "touch"].map(
    (name): Command => ({
      kind: "read",
      name,
      arity: -2,
      keys: [1, -1, 1],
      summary: "Counts which of the keys exist.",
      run: existing,
    }),
  ),
  ...["del", "unlink"].map((name) =>
    write({
      name,
      arity: -2,
      keys: [1, -1, 1],
      frees: true,
      summary: "Removes keys and counts those that existed.",
      plan: (args) => operation("remove", ...args),
    }),
  ),
  {
    kind: "read",
    name: "type",
    arity: 2,
    keys: [1, 1, 1],
    summary: "Tells the type of a key's value.",
    run: (space, args) => new Status(space.get(at(args, 0)) ? "string" : "none"),
  },
  { kind: "read", name: "dbsize", arity: 1, summary: "Counts the keys.", run: (space) => space.size },
  { kind: "read", name: "keys", arity: 2, summary: "Lists the keys that match a pattern.", run: listKeys },
  {
    kind: "read",
    name: "scan",
    arity: -2,
    summary: "Walks over the keys in steps.",
    run: scan,
  },
  write({
    name: "rename",
    arity: 3,
    keys: [1, 2, 1],
    summary: "Renames a key.",
    plan: (args) => operation("rename", at(args, 0), at(args, 1), ""),
  }),
  write({
    name: "renamenx",
    arity: 3,
    keys: [1, 2, 1],
    summary: "Renames a key to a name that is free.",
    plan: (args) => operation("rename", at(args, 0), at(args, 1), "N"),
  }),
  write({ name: "copy", arity: -3, keys: [1, 2, 1], summary: "Copies a value and its expiry.", plan: planCopy }),
  flush("flushdb"),
  flush("flushall"),
];
