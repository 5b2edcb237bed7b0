/**
 * Running scripts. `verifyScript` decides whether an input may spend an output: its script and witness against the output's script, for
 * every kind of output there is today. The order of checks follows Bitcoin Core's, since a script may fail in more than one way and the
 * published tests name the first.
 */
import type { Checker } from "./checker.ts";
import { scriptFlag } from "./flags.ts";
import { isTrue } from "./machine.ts";
import { isPushOnly, pushOf } from "./parse.ts";
import { isPayToScriptHash, witnessProgram } from "./programs.ts";
import { type RunSetup, runScript } from "./run.ts";
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
  if (flags & scriptFlag.SIGPUSHONLY && !isPushOnly(script)) return "SIG_PUSHONLY";
  const stack: Buffer[] = [];
  const setup: RunSetup = { flags, version: "base", checker };
  const early = script.length === 0 ? undefined : runScript(script, stack, setup);
  if (early !== undefined) return early;
  const pushed = flags & scriptFlag.P2SH && isPayToScriptHash(spent) ? [...stack] : undefined;
  const error = runScript(spent, stack, setup) ?? needTrue(stack);
  if (error !== undefined) return error;
  const outcome = pushed === undefined ? verifyDirect(input, setup) : verifyScriptHash(input, pushed, setup);
  if (typeof outcome === "string") return outcome;
  const left = outcome.stack ?? stack;
  if (flags & scriptFlag.CLEANSTACK && !outcome.isWitness && left.length !== 1) return "CLEANSTACK";
  if (flags & scriptFlag.WITNESS && !outcome.isWitness && input.witness.length > 0) return "WITNESS_UNEXPECTED";
  return undefined;
}

const needTrue = (stack: readonly Buffer[]): ScriptResult => {
  const top = stack.at(-1);
  return top === undefined || !isTrue(top) ? "EVAL_FALSE" : undefined;
};

interface Outcome {
  readonly isWitness: boolean;
  /** The stack that is left, when another than that of the output's script. */
  readonly stack?: readonly Buffer[];
}

const noWitness: Outcome = { isWitness: false };

function verifyDirect({ script, witness, spent }: ScriptInput, setup: RunSetup): Outcome | NonNullable<ScriptResult> {
  const program = setup.flags & scriptFlag.WITNESS ? witnessProgram(spent) : undefined;
  if (program === undefined) return noWitness;
  if (script.length !== 0) return "WITNESS_MALLEATED";
  return verifyWitnessProgram(program, witness, { ...setup, isNested: false }) ?? { isWitness: true };
}

/** BIP 16: the last item pushed is a script itself, run on the others. */
function verifyScriptHash(input: ScriptInput, pushed: Buffer[], setup: RunSetup): Outcome | NonNullable<ScriptResult> {
  if (!isPushOnly(input.script)) return "SIG_PUSHONLY";
  // Not empty: the output's script took the item's hash.
  const redeem = pushed.pop() as Buffer;
  const error = runScript(redeem, pushed, setup) ?? needTrue(pushed);
  if (error !== undefined) return error;
  const program = setup.flags & scriptFlag.WITNESS ? witnessProgram(redeem) : undefined;
  if (program === undefined) return { isWitness: false, stack: pushed };
  if (!input.script.equals(pushOf(redeem))) return "WITNESS_MALLEATED_P2SH";
  return verifyWitnessProgram(program, input.witness, { ...setup, isNested: true }) ?? { isWitness: true };
}
