/** Witness programs: segwit v0 (BIP 141, 143) and taproot (BIP 341, 342). */
import { compactSizeLength } from "../primitives/bytes.ts";
import { sha256 } from "../primitives/hash.ts";
import { scriptFlag } from "./flags.ts";
import { isTrue, type Mode, type ScriptContext, type TapscriptRun } from "./machine.ts";
import { isOpSuccess, op } from "./opcodes.ts";
import { ScriptCursor } from "./parse.ts";
import { anchorProgram, type WitnessProgram } from "./programs.ts";
import { runScript } from "./run.ts";
import type { ScriptResult } from "./script-error.ts";
import {
  annexTag,
  isControlBlockSize,
  readControl,
  tapLeafHash,
  tapRoot,
  tapscriptLeafVersion,
  tapTweakHash,
} from "./taproot.ts";

const mostItems = 1000;
const maxItemSize = 520;
/** BIP 342: what the signatures of an input may cost beyond the size of its witness. */
const freeWeight = 50;

/** `isNested`: the program is inside P2SH, where taproot does not apply. */
export function verifyWitnessProgram(
  { version, program }: WitnessProgram,
  witness: readonly Buffer[],
  context: ScriptContext,
  isNested = false,
): ScriptResult {
  if (version === 0) return verifyVersion0(program, witness, context);
  if (version === 1 && program.length === 32 && !isNested) {
    return context.flags & scriptFlag.TAPROOT ? verifyTaproot(program, witness, context) : undefined;
  }
  if (version === 1 && !isNested && program.equals(anchorProgram)) return undefined;
  // Programs without a meaning yet are for anyone to spend, so that a later soft fork may give them one.
  return discouraged(context, "DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM");
}

const discouraged = (
  { flags }: ScriptContext,
  what: "DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM" | "DISCOURAGE_UPGRADABLE_TAPROOT_VERSION" | "DISCOURAGE_OP_SUCCESS",
): ScriptResult => (flags & scriptFlag[what] ? what : undefined);

function verifyVersion0(program: Buffer, witness: readonly Buffer[], context: ScriptContext): ScriptResult {
  if (program.length === 20) {
    if (witness.length !== 2) return "WITNESS_PROGRAM_MISMATCH";
    return execute(keyHashScript(program), [...witness], context, "witness");
  }
  if (program.length !== 32) return "WITNESS_PROGRAM_WRONG_LENGTH";
  const script = witness.at(-1);
  if (script === undefined) return "WITNESS_PROGRAM_WITNESS_EMPTY";
  if (!sha256(script).equals(program)) return "WITNESS_PROGRAM_MISMATCH";
  return execute(script, witness.slice(0, -1), context, "witness");
}

const keyHashHead = Buffer.from([op.OP_DUP, op.OP_HASH160, 20]);
const keyHashTail = Buffer.from([op.OP_EQUALVERIFY, op.OP_CHECKSIG]);

/** The script that pays to the hash of a key. */
export const keyHashScript = (hash: Buffer): Buffer => Buffer.concat([keyHashHead, hash, keyHashTail]);

/** Runs a script of a witness: items are limited, and exactly one, true, must be left. */
function execute(script: Buffer, stack: Buffer[], context: ScriptContext, mode: Mode): ScriptResult {
  for (const item of stack) if (item.length > maxItemSize) return "PUSH_SIZE";
  const error = runScript(script, stack, context, mode);
  if (error !== undefined) return error;
  if (stack.length !== 1) return "CLEANSTACK";
  return isTrue(stack[0] as Buffer) ? undefined : "EVAL_FALSE";
}

function annexOf(witness: readonly Buffer[]): Buffer | undefined {
  const last = witness.at(-1);
  return witness.length >= 2 && last?.[0] === annexTag ? last : undefined;
}

function verifyTaproot(outputKey: Buffer, witness: readonly Buffer[], context: ScriptContext): ScriptResult {
  const annex = annexOf(witness);
  const items = annex === undefined ? witness : witness.slice(0, -1);
  const [first] = items;
  if (first === undefined) return "WITNESS_PROGRAM_WITNESS_EMPTY";
  if (items.length === 1) return context.checker.checkSchnorr(first, outputKey, { annex });
  const script = items.at(-2) as Buffer;
  const control = items.at(-1) as Buffer;
  if (!isControlBlockSize(control.length)) return "TAPROOT_WRONG_CONTROL_SIZE";
  const { leafVersion, parity, internalKey } = readControl(control);
  const leafHash = tapLeafHash(leafVersion, script);
  const tweak = tapTweakHash(internalKey, tapRoot(control, leafHash));
  if (!context.checker.checkTweak(outputKey, parity, internalKey, tweak)) return "WITNESS_PROGRAM_MISMATCH";
  if (leafVersion === tapscriptLeafVersion) {
    const tapscript: TapscriptRun = { annex, leafHash, weightLeft: witnessSize(witness) + freeWeight };
    return runTapscript(script, items.slice(0, -2), context, tapscript);
  }
  return discouraged(context, "DISCOURAGE_UPGRADABLE_TAPROOT_VERSION");
}

const witnessSize = (witness: readonly Buffer[]): number =>
  witness.reduce(
    (size, item) => size + compactSizeLength(item.length) + item.length,
    compactSizeLength(witness.length),
  );

/** "succeeds" as soon as an OP_SUCCESS is met, even if what follows cannot be parsed. */
function scanForSuccess(script: Buffer): "succeeds" | "BAD_OPCODE" | undefined {
  const cursor = new ScriptCursor(script);
  while (!cursor.atEnd) {
    if (!cursor.next()) return "BAD_OPCODE";
    if (isOpSuccess(cursor.code)) return "succeeds";
  }
  return undefined;
}

function runTapscript(script: Buffer, stack: Buffer[], context: ScriptContext, run: TapscriptRun): ScriptResult {
  const scanned = scanForSuccess(script);
  if (scanned === "succeeds") return discouraged(context, "DISCOURAGE_OP_SUCCESS");
  if (scanned !== undefined) return scanned;
  if (stack.length > mostItems) return "STACK_SIZE";
  return execute(script, stack, context, run);
}
