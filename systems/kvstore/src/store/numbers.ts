/** Numbers as Redis reads and writes them: 64-bit integers without blanks or leading zeros, and decimals. */
import { NOT_A_FLOAT, ReplyError } from "../reply.ts";
import { addDecimals } from "./extended.ts";

const INTEGER = /^(0|-?[1-9][0-9]{0,18})$/;
/** Undefined when the bytes are not a signed 64-bit integer in its shortest form. */
export function parseInteger(bytes: Uint8Array): bigint | undefined {
  if (bytes.length > 20) return undefined;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
  if (!INTEGER.test(text)) return undefined;
  const value = BigInt(text);
  return value === BigInt.asIntN(64, value) ? value : undefined;
}

/** The sum in Redis' notation, or the error that Redis answers. */
export function addFloats(left: string, right: string): string | ReplyError {
  const sum = addDecimals(left, right);
  if (sum === "not a number") return NOT_A_FLOAT;
  return sum === "infinite" ? new ReplyError("ERR increment would produce NaN or Infinity") : sum;
}
