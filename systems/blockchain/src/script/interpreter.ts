/**
 * Running scripts. `verifyScript` decides whether an input may spend an output: its script and witness against the output's script, for
 * every kind of output there is today. The order of checks follows Bitcoin Core's, since a script may fail in more than one way and the
 * published tests name the first.
 */
import type { Checker } from "./checker.ts";
import { scriptFlag } from "./flags.ts";
import { isTrue, type ScriptContext } from "./machine.ts";
import { isPushOnly, pushOf } from "./parse.ts";
import { isPayToScriptHash, type WitnessProgram, witnessProgram } from "./programs.ts";
import { runScript } from "./run.ts";
import type { ScriptResult } from "./script-error.ts";
import { verifyWitnessProgram } from "./witness.ts";

export interface ScriptInput {
  /** The input's script. */
  readonly script: Buffer;
  readonly witness: readonly Buffer[];
  /** The script of the output spent. */
  readonly spent: Buffer;
}

/** Whether an input may spend an output: undefined if so, else why not. */
export function verifyScript(input: ScriptInput, flags: number, checker: Checker): ScriptResult {
  const { script, spent } = input;
  const context = { flags, checker };
  if (flags & scriptFlag.SIGPUSHONLY && !isPushOnly(script)) return "SIG_PUSHONLY";
  const stack: Buffer[] = [];
  const early = script.length === 0 ? undefined : runScript(script, stack, context, "base");
  if (early !== undefined) return early;
  const pushed = flags & scriptFlag.P2SH && isPayToScriptHash(spent) ? [...stack] : undefined;
  const error = runScript(spent, stack, context, "base") ?? needTrue(stack);
  if (error !== undefined) return error;
  return pushed === undefined ? verifyDirect(input, stack, context) : verifyScriptHash(input, pushed, context);
}

const needTrue = (stack: readonly Buffer[]): ScriptResult => {
  const top = stack.at(-1);
  return top === undefined || !isTrue(top) ? "EVAL_FALSE" : undefined;
};

const programOf = (script: Buffer, flags: number): WitnessProgram | undefined =>
  flags & scriptFlag.WITNESS ? witnessProgram(script) : undefined;

/** `left` is what the scripts left on the stack. */
function verifyDirect(input: ScriptInput, left: readonly Buffer[], context: ScriptContext): ScriptResult {
  const program = programOf(input.spent, context.flags);
  if (program === undefined) return verifyNoWitness(input, left, context);
  return input.script.length > 0 ? "WITNESS_MALLEATED" : verifyWitnessProgram(program, input.witness, context);
}

/** BIP 16: the last item pushed is a script itself, run on the others. */
function verifyScriptHash(input: ScriptInput, stack: Buffer[], context: ScriptContext): ScriptResult {
  if (!isPushOnly(input.script)) return "SIG_PUSHONLY";
  // Not empty: the output's script took the item's hash.
  const redeem = stack.pop() as Buffer;
  const error = runScript(redeem, stack, context, "base") ?? needTrue(stack);
  if (error !== undefined) return error;
  const program = programOf(redeem, context.flags);
  if (program === undefined) return verifyNoWitness(input, stack, context);
  if (!input.script.equals(pushOf(redeem))) return "WITNESS_MALLEATED_P2SH";
  return verifyWitnessProgram(program, input.witness, context, true);
}

function verifyNoWitness(input: ScriptInput, left: readonly Buffer[], { flags }: ScriptContext): ScriptResult {
  if (flags & scriptFlag.CLEANSTACK && left.length !== 1) return "CLEANSTACK";
  return flags & scriptFlag.WITNESS && input.witness.length > 0 ? "WITNESS_UNEXPECTED" : undefined;
}
