/** The options that SET and GETEX share: at most one expiry, whose last time counts. */
import { ReplyError, SYNTAX_ERROR } from "../../reply.ts";
import { type Args, at, keyword } from "../command.ts";
import { futureTime, TIME_OPTIONS } from "./expiry.ts";

export interface SetOptions {
  /** Out of N (NX), X (XX), G (GET), K (KEEPTTL) and P (PERSIST). */
  readonly flags: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number | undefined;
}

const FLAGS: Readonly<Record<string, string>> = { NX: "N", XX: "X", GET: "G", KEEPTTL: "K", PERSIST: "P" };
/** Flags of which there is one at most; a time counts as T. */
const EXCLUSIVE = ["NX", "KPT"];

/** `allowed` are the flags that the command has. All words are read before the time is, as in Redis. */
export function setOptions(command: string, allowed: string, args: Args, now: number): SetOptions | ReplyError {
  let flags = "";
  let time: { readonly option: string; readonly value: Buffer } | undefined;
  for (let i = 0; i < args.length; i++) {
    const word = keyword(args[i]);
    const isTime = word in TIME_OPTIONS && i + 1 < args.length;
    const flag = isTime ? "T" : FLAGS[word];
    if (!flag || !(isTime || allowed.includes(flag)) || clashes(flags, flag)) return SYNTAX_ERROR;
    if (isTime && time && time.option !== word) return SYNTAX_ERROR;
    if (isTime) time = { option: word, value: at(args, ++i) };
    flags += flag;
  }
  const unit = time && TIME_OPTIONS[time.option];
  const expiresAt = time && unit && futureTime(time.value, unit, now, command);
  return expiresAt instanceof ReplyError ? expiresAt : { flags: flags.replaceAll("T", ""), expiresAt };
}

const clashes = (flags: string, flag: string): boolean =>
  EXCLUSIVE.some(
    (group) => group.includes(flag) && [...flags].some((other) => other !== flag && group.includes(other)),
  );
