/** What kind of output a script is. */
import { op } from "./opcodes.ts";

export interface WitnessProgram {
  readonly version: number;
  readonly program: Buffer;
}

/** BIP 141: a version and a push of 2 to 40 bytes. */
export function witnessProgram(script: Buffer): WitnessProgram | undefined {
  if (script.length < 4 || script.length > 42) return undefined;
  const first = script[0] as number;
  if (first !== op.OP_0 && (first < op.OP_1 || first > op.OP_16)) return undefined;
  if ((script[1] as number) + 2 !== script.length) return undefined;
  return { version: first === op.OP_0 ? 0 : first - op.OP_1 + 1, program: script.subarray(2) };
}

/** BIP 16: OP_HASH160, a push of 20 bytes, OP_EQUAL. */
export const isPayToScriptHash = (script: Buffer): boolean =>
  script.length === 23 && script[0] === op.OP_HASH160 && script[1] === 20 && script[22] === op.OP_EQUAL;

/** The program, of version 1, of outputs that anyone may spend and whose spending is standard (P2A). */
export const anchorProgram: Buffer = Buffer.from([0x4e, 0x73]);

export const isPayToAnchor = (script: Buffer): boolean =>
  script.length === 4 && script[0] === op.OP_1 && script[1] === 2 && script.subarray(2).equals(anchorProgram);

/** What can be seen never to be spendable, so needs no place among the coins. */
export const isUnspendable = (script: Buffer): boolean => script[0] === op.OP_RETURN || script.length > maxScriptSize;

/** Bytes of a script before tapscript. */
export const maxScriptSize = 10_000;
