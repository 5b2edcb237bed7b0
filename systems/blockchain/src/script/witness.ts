/** Witness programs: segwit v0 (BIP 141, 143) and taproot (BIP 341, 342). */
import { compactSizeLength } from "../primitives/bytes.ts";
import { sha256 } from "../primitives/hash.ts";
import { scriptFlag } from "./flags.ts";
import { isTrue, type TapscriptRun } from "./machine.ts";
import { isOpSuccess, op } from "./opcodes.ts";
import { ScriptCursor } from "./parse.ts";
import type { WitnessProgram } from "./programs.ts";
import { type RunSetup, runScript } from "./run.ts";
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

export interface WitnessSetup extends RunSetup {
  /** The program is inside P2SH, where taproot does not apply. */
  readonly isNested: boolean;
}

export function verifyWitnessProgram(
  program: WitnessProgram,
  witness: readonly Buffer[],
  setup: WitnessSetup,
): ScriptResult {
  const { version } = program;
  const size = program.program.length;
  if (version === 0) return verifyVersion0(program.program, witness, setup);
  if (version === 1 && size === 32 && !setup.isNested) {
    return setup.flags & scriptFlag.TAPROOT ? verifyTaproot(program.program, witness, setup) : undefined;
  }
  if (version === 1 && !setup.isNested && size === 2 && program.program.readUInt16BE(0) === 0x4e73) return undefined;
  // Programs without a meaning yet are for anyone to spend, so that a later soft fork may give them one.
  return setup.flags & scriptFlag.DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM
    ? "DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM"
    : undefined;
}

function verifyVersion0(program: Buffer, witness: readonly Buffer[], setup: RunSetup): ScriptResult {
  const run = { ...setup, version: "witness" } as const;
  if (program.length === 20) {
    return witness.length === 2 ? execute(keyHashScript(program), [...witness], run) : "WITNESS_PROGRAM_MISMATCH";
  }
  if (program.length !== 32) return "WITNESS_PROGRAM_WRONG_LENGTH";
  const script = witness.at(-1);
  if (script === undefined) return "WITNESS_PROGRAM_WITNESS_EMPTY";
  if (!sha256(script).equals(program)) return "WITNESS_PROGRAM_MISMATCH";
  return execute(script, witness.slice(0, -1), run);
}

const keyHashHead = Buffer.from([op.OP_DUP, op.OP_HASH160, 20]);
const keyHashTail = Buffer.from([op.OP_EQUALVERIFY, op.OP_CHECKSIG]);

/** The script that pays to the hash of a key. */
export const keyHashScript = (hash: Buffer): Buffer => Buffer.concat([keyHashHead, hash, keyHashTail]);

/** Runs a script of a witness: items are limited, and exactly one, true, must be left. */
function execute(script: Buffer, stack: Buffer[], setup: RunSetup): ScriptResult {
  for (const item of stack) if (item.length > maxItemSize) return "PUSH_SIZE";
  const error = runScript(script, stack, setup);
  if (error !== undefined) return error;
  if (stack.length !== 1) return "CLEANSTACK";
  return isTrue(stack[0] as Buffer) ? undefined : "EVAL_FALSE";
}

function annexOf(witness: readonly Buffer[]): Buffer | undefined {
  const last = witness.at(-1);
  return witness.length >= 2 && last?.[0] === annexTag ? last : undefined;
}

function verifyTaproot(outputKey: Buffer, witness: readonly Buffer[], setup: RunSetup): ScriptResult {
  const annex = annexOf(witness);
  const items = annex === undefined ? witness : witness.slice(0, -1);
  const [first] = items;
  if (first === undefined) return "WITNESS_PROGRAM_WITNESS_EMPTY";
  if (items.length === 1) return setup.checker.checkSchnorr(first, outputKey, { annex });
  const script = items.at(-2) as Buffer;
  const control = items.at(-1) as Buffer;
  if (!isControlBlockSize(control.length)) return "TAPROOT_WRONG_CONTROL_SIZE";
  const { leafVersion, parity, internalKey } = readControl(control);
  const leafHash = tapLeafHash(leafVersion, script);
  const tweak = tapTweakHash(internalKey, tapRoot(control, leafHash));
  if (!setup.checker.checkTweak(outputKey, parity, internalKey, tweak)) return "WITNESS_PROGRAM_MISMATCH";
  if (leafVersion === tapscriptLeafVersion) {
    const tapscript: TapscriptRun = { annex, leafHash, weightLeft: witnessSize(witness) + freeWeight };
    return runTapscript(script, items.slice(0, -2), { ...setup, version: "tapscript", tapscript });
  }
  return setup.flags & scriptFlag.DISCOURAGE_UPGRADABLE_TAPROOT_VERSION
    ? "DISCOURAGE_UPGRADABLE_TAPROOT_VERSION"
    : undefined;
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

function runTapscript(script: Buffer, stack: Buffer[], setup: RunSetup): ScriptResult {
  const scanned = scanForSuccess(script);
  if (scanned === "succeeds") {
    return setup.flags & scriptFlag.DISCOURAGE_OP_SUCCESS ? "DISCOURAGE_OP_SUCCESS" : undefined;
  }
  if (scanned !== undefined) return scanned;
  if (stack.length > mostItems) return "STACK_SIZE";
  return execute(script, stack, setup);
}
