/** Numbers as Redis reads and writes them: 64-bit integers without blanks or leading zeros, and decimal floats. */
import { NOT_A_FLOAT, ReplyError } from "../reply.ts";

const INTEGER = /^(0|-?[1-9][0-9]{0,18})$/;
const FLOAT = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;
/** Decimal places that INCRBYFLOAT keeps, as Redis does. */
const FLOAT_DIGITS = 17;

/** Undefined when the bytes are not a signed 64-bit integer in its shortest form. */
export function parseInteger(bytes: Uint8Array): bigint | undefined {
  if (bytes.length > 20) return undefined;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
  if (!INTEGER.test(text)) return undefined;
  const value = BigInt(text);
  return value === BigInt.asIntN(64, value) ? value : undefined;
}

/** The sum in Redis' notation, or the error that Redis answers. Computed in double precision (Redis uses the machine's long double). */
export function addFloats(left: string, right: string): string | ReplyError {
  if (!FLOAT.test(left) || !FLOAT.test(right)) return NOT_A_FLOAT;
  const sum = Number(left) + Number(right);
  if (!Number.isFinite(sum)) return new ReplyError("ERR increment would produce NaN or Infinity");
  return formatFloat(sum);
}

function formatFloat(value: number): string {
  const text = String(value);
  if (!text.includes("e")) return text;
  const fixed = value.toFixed(FLOAT_DIGITS);
  return fixed.includes("e") ? BigInt(value).toString() : fixed.replace(/\.?0+$/, "");
}
