/** Values as rows of bits, the first of a byte the highest. */
import { NOT_AN_INTEGER, type Reply, ReplyError, SYNTAX_ERROR } from "../../reply.ts";
import type { ReadableKeyspace } from "../../store/keyspace.ts";
import { parseInteger } from "../../store/numbers.ts";
import { MAX_VALUE_BYTES, operation } from "../../store/operations.ts";
import { type Args, at, type Command, EMPTY_ARG, keyword, type WriteCommand } from "../command.ts";
import { valueAt } from "./strings.ts";

const BAD_OFFSET = new ReplyError("ERR bit offset is not an integer or out of range");
const BAD_BIT = new ReplyError("ERR bit is not an integer or out of range");

function bitOffset(arg: Buffer): number | undefined {
  const offset = parseInteger(arg);
  return offset !== undefined && offset >= 0n && offset < BigInt(MAX_VALUE_BYTES) * 8n ? Number(offset) : undefined;
}

function planSetBit(args: Args): ReturnType<WriteCommand["plan"]> {
  const offset = bitOffset(at(args, 1));
  if (offset === undefined) return BAD_OFFSET;
  const bit = at(args, 2).toString("latin1");
  return bit === "0" || bit === "1" ? operation("setBit", at(args, 0), String(offset), bit) : BAD_BIT;
}

function getBit(space: ReadableKeyspace, args: Args): Reply {
  const offset = bitOffset(at(args, 1));
  if (offset === undefined) return BAD_OFFSET;
  return bitOf(valueAt(space, at(args, 0)) ?? EMPTY_ARG, offset);
}

const bitOf = (value: Buffer, offset: number): number => ((value[offset >> 3] ?? 0) >> (7 - (offset & 7))) & 1;

/** BITCOUNT key [start end [BYTE|BIT]] */
function countBits(space: ReadableKeyspace, args: Args): Reply {
  const value = valueAt(space, at(args, 0));
  // As in Redis: without a value the other arguments are not looked at.
  if (!value) return 0;
  if (args.length === 1) return countIn(value, 0, value.length * 8);
  if (args.length !== 3 && args.length !== 4) return SYNTAX_ERROR;
  const [start, end] = [parseInteger(at(args, 1)), parseInteger(at(args, 2))];
  if (start === undefined || end === undefined) return NOT_AN_INTEGER;
  if (start < 0n && end < 0n && start > end) return 0;
  const unit = args.length === 3 ? 8 : { BYTE: 8, BIT: 1 }[keyword(args[3])];
  if (unit === undefined) return SYNTAX_ERROR;
  const total = (value.length * 8) / unit;
  const position = (index: bigint): number => Math.max(0, Number(index < 0n ? index + BigInt(total) : index));
  return countIn(value, position(start) * unit, Math.min(total, position(end) + 1) * unit);
}

/** Ones from one bit to before another. */
function countIn(value: Buffer, start: number, end: number): number {
  let ones = 0;
  let at = start;
  for (; at < end && (at & 7) !== 0; at++) ones += bitOf(value, at);
  for (; at + 8 <= end; at += 8) ones += ONES[value[at >> 3] as number] as number;
  for (; at < end; at++) ones += bitOf(value, at);
  return ones;
}

/** How many ones each byte has. */
const ONES = Uint8Array.from({ length: 256 }, (_, byte) => byte.toString(2).replaceAll("0", "").length);

export const BIT_COMMANDS: readonly Command[] = [
  { kind: "write", name: "setbit", arity: 4, keys: [1, 1, 1], summary: "Sets a bit of a value.", plan: planSetBit },
  { kind: "read", name: "getbit", arity: 3, keys: [1, 1, 1], summary: "Returns a bit of a value.", run: getBit },
  { kind: "read", name: "bitcount", arity: -2, keys: [1, 1, 1], summary: "Counts a value's ones.", run: countBits },
];
