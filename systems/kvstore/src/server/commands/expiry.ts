/** Expiry options and commands: every form of time becomes milliseconds since 1970 before it enters the log. */
import { NOT_AN_INTEGER, type Reply, ReplyError } from "../../reply.ts";
import { parseInteger } from "../../store/numbers.ts";
import { operation } from "../../store/operations.ts";
import { expiryIn, MAX_TIME_MS } from "../../store/value.ts";
import { type Args, at, type Command, keyword, type ReadCommand, type WriteCommand } from "../command.ts";

interface TimeUnit {
  readonly scale: number;
  readonly isAbsolute: boolean;
}

/** The option of SET and its kind of time. */
export const TIME_OPTIONS: Readonly<Record<string, TimeUnit>> = {
  EX: { scale: 1000, isAbsolute: false },
  PX: { scale: 1, isAbsolute: false },
  EXAT: { scale: 1000, isAbsolute: true },
  PXAT: { scale: 1, isAbsolute: true },
};

/** Milliseconds since 1970 for a time that must be in the future, as SET takes it. */
export function futureTime(arg: Buffer, unit: TimeUnit, now: number, command: string): number | ReplyError {
  const value = parseInteger(arg);
  if (value === undefined) return NOT_AN_INTEGER;
  const time = value > 0n ? absolute(value, unit, now) : undefined;
  return time ?? invalidExpire(command);
}

/** Never below 0; undefined where Redis' 64 bits or our 48 do not suffice. */
function absolute(value: bigint, { scale, isAbsolute }: TimeUnit, now: number): number | undefined {
  const span = value * BigInt(scale);
  const time = span + (isAbsolute ? 0n : BigInt(now));
  if (span !== BigInt.asIntN(64, span) || time > BigInt(MAX_TIME_MS)) return undefined;
  return Math.max(0, Number(time));
}

const invalidExpire = (command: string): ReplyError =>
  new ReplyError(`ERR invalid expire time in '${command}' command`);

/** The condition of EXPIRE: NX excludes the others, GT and LT each other. */
function conditionOf(options: readonly Buffer[]): string | ReplyError {
  const unknown = options.find((option) => !["NX", "XX", "GT", "LT"].includes(keyword(option)));
  if (unknown) return new ReplyError(`ERR Unsupported option ${unknown}`);
  const given = new Set(options.map(keyword));
  if (given.has("NX") && given.size > 1)
    return new ReplyError("ERR NX and XX, GT or LT options at the same time are not compatible");
  if (given.has("GT") && given.has("LT"))
    return new ReplyError("ERR GT and LT options at the same time are not compatible");
  // XX beside GT or LT: GT implies it; LT alone takes keys without expiry, which XX excludes.
  if (given.has("LT")) return given.has("XX") ? "XXLT" : "LT";
  return given.has("GT") ? "GT" : ([...given][0] ?? "");
}

function planExpire(name: string, unit: TimeUnit, args: Args, now: number): ReturnType<WriteCommand["plan"]> {
  const condition = conditionOf(args.slice(2));
  if (condition instanceof ReplyError) return condition;
  const value = parseInteger(at(args, 1));
  if (value === undefined) return NOT_AN_INTEGER;
  const time = absolute(value, unit, now);
  return time === undefined ? invalidExpire(name) : operation("expireAt", at(args, 0), String(time), condition);
}

const expireCommand = (name: string, option: string, summary: string): WriteCommand => ({
  kind: "write",
  name,
  arity: -3,
  keys: [1, 1, 1],
  summary,
  frees: true,
  plan: (args, now) => planExpire(name, TIME_OPTIONS[option] as TimeUnit, args, now),
});

/** -2 without the key, -1 without an expiry. */
const timeCommand = (name: string, summary: string, show: (expiresAt: number, now: number) => number): ReadCommand => ({
  kind: "read",
  name,
  arity: 2,
  keys: [1, 1, 1],
  summary,
  run: (space, args): Reply => {
    const stored = space.get(at(args, 0));
    if (!stored) return -2;
    const expiresAt = expiryIn(stored);
    return expiresAt === undefined ? -1 : show(expiresAt, space.now);
  },
});

export const EXPIRY_COMMANDS: readonly Command[] = [
  expireCommand("expire", "EX", "Sets the time to live of a key in seconds."),
  expireCommand("pexpire", "PX", "Sets the time to live of a key in milliseconds."),
  expireCommand("expireat", "EXAT", "Sets the second since 1970 at which a key expires."),
  expireCommand("pexpireat", "PXAT", "Sets the millisecond since 1970 at which a key expires."),
  timeCommand("ttl", "Tells the time to live of a key in seconds.", (at, now) => Math.floor((at - now + 500) / 1000)),
  timeCommand("pttl", "Tells the time to live of a key in milliseconds.", (at, now) => at - now),
  timeCommand("expiretime", "Tells the second since 1970 at which a key expires.", (at) =>
    Math.floor((at + 500) / 1000),
  ),
  timeCommand("pexpiretime", "Tells the millisecond since 1970 at which a key expires.", (at) => at),
  {
    kind: "write",
    name: "persist",
    arity: 2,
    keys: [1, 1, 1],
    summary: "Removes the expiry of a key.",
    plan: (args) => operation("persist", at(args, 0)),
  },
];
