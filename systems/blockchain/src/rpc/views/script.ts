/** Scripts as JSON-RPC shows them: as text, with their type and address. */
import { addressOfScript } from "../../address/address.ts";
import type { AddressPrefixes } from "../../address/prefixes.ts";
import { destinationOf } from "../../address/scripts.ts";
import { op } from "../../script/opcodes.ts";
import { ScriptCursor } from "../../script/parse.ts";

const NAMES: ReadonlyMap<number, string> = new Map(Object.entries(op).map(([name, code]) => [code, name]));
const SMALL_PUSH = 4;

/** Opcodes by name, data as hexadecimal and, up to four bytes, as the number it stands for. */
export function scriptText(script: Buffer): string {
  const words: string[] = [];
  const cursor = new ScriptCursor(script);
  while (!cursor.atEnd) {
    if (!cursor.next()) return [...words, "[error]"].join(" ");
    words.push(word(cursor.code, cursor.data));
  }
  return words.join(" ");
}

function word(code: number, data: Buffer | undefined): string {
  if (code === op.OP_0) return "0";
  if (code === op.OP_1NEGATE) return "-1";
  if (code >= op.OP_1 && code <= op.OP_16) return String(code - op.OP_1 + 1);
  if (data === undefined) return NAMES.get(code) ?? "OP_UNKNOWN";
  return data.length <= SMALL_PUSH ? String(signedNumber(data)) : data.toString("hex");
}

/** Little-endian, the topmost bit is the sign. */
function signedNumber(data: Buffer): number {
  const last = data.at(-1) ?? 0;
  const bytes = [...data.subarray(0, -1), last & 0x7f];
  const size = bytes.reduceRight((sum, byte) => sum * 256 + byte, 0);
  return last & 0x80 ? -size : size;
}

export interface ScriptView {
  readonly asm: string;
  readonly hex: string;
  readonly address?: string;
  readonly type: string;
}

export function scriptView(script: Buffer, prefixes: AddressPrefixes): ScriptView {
  const address = addressOfScript(script, prefixes);
  return {
    asm: scriptText(script),
    hex: script.toString("hex"),
    ...(address !== undefined && { address }),
    type: scriptType(script),
  };
}

/** Bitcoin Core's words. */
export function scriptType(script: Buffer): string {
  const destination = destinationOf(script);
  if (destination) return destination.kind;
  if (script[0] === op.OP_RETURN) return "nulldata";
  if (isPubKey(script)) return "pubkey";
  return isMultisig(script) ? "multisig" : "nonstandard";
}

const isKeyLength = (length: number | undefined): boolean => length === 33 || length === 65;

const isPubKey = (script: Buffer): boolean =>
  isKeyLength(script[0]) && script.length === (script[0] as number) + 2 && script.at(-1) === op.OP_CHECKSIG;

/** m keys... n OP_CHECKMULTISIG */
function isMultisig(script: Buffer): boolean {
  if (script.at(-1) !== op.OP_CHECKMULTISIG) return false;
  const cursor = new ScriptCursor(script);
  const numbers: number[] = [];
  let keys = 0;
  while (cursor.offset < script.length - 1) {
    if (!cursor.next()) return false;
    if (cursor.code >= op.OP_1 && cursor.code <= op.OP_16) numbers.push(cursor.code - op.OP_1 + 1);
    else if (isKeyLength(cursor.data?.length)) keys++;
    else return false;
  }
  const [required = 0, total = 0] = numbers;
  return numbers.length === 2 && total === keys && required <= total;
}
