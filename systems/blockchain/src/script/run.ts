/** Running one script on a stack. */
import { Machine, type Mode, type ScriptContext, ScriptFailure } from "./machine.ts";
import { isDisabled, op } from "./opcodes.ts";
import { operations } from "./operations.ts";
import { isMinimalPush, ScriptCursor } from "./parse.ts";
import { maxScriptSize } from "./programs.ts";
import type { ScriptResult } from "./script-error.ts";

const mostOperations = 201;
const mostItems = 1000;
const maxItemSize = 520;

/** Runs one script on a stack, which it changes. */
export function runScript(script: Buffer, stack: Buffer[], context: ScriptContext, mode: Mode): ScriptResult {
  const machine = new Machine(script, stack, context, mode);
  if (machine.version !== "tapscript" && script.length > maxScriptSize) return "SCRIPT_SIZE";
  try {
    return runAll(machine) ?? (machine.isBalanced ? undefined : "UNBALANCED_CONDITIONAL");
  } catch (error) {
    if (error instanceof ScriptFailure) return error.reason;
    throw error;
  }
}

function runAll(machine: Machine): ScriptResult {
  const cursor = new ScriptCursor(machine.script);
  for (; !cursor.atEnd; machine.position++) {
    if (!cursor.next()) return "BAD_OPCODE";
    machine.code = cursor.code;
    machine.offset = cursor.offset;
    const error = checkLimits(machine, cursor) ?? step(machine, cursor);
    if (error !== undefined) return error;
    if (machine.stack.length + machine.alternative.length > mostItems) return "STACK_SIZE";
  }
  return undefined;
}

/** What holds for opcodes that are passed over as well. */
function checkLimits(machine: Machine, { code, data }: ScriptCursor): ScriptResult {
  if (data !== undefined && data.length > maxItemSize) return "PUSH_SIZE";
  if (machine.version === "tapscript") return undefined;
  if (code > op.OP_16 && ++machine.opCount > mostOperations) return "OP_COUNT";
  if (isDisabled(code)) return "DISABLED_OPCODE";
  if (code === op.OP_CODESEPARATOR && machine.version === "base" && machine.has("CONST_SCRIPTCODE")) {
    return "OP_CODESEPARATOR";
  }
  return undefined;
}

function step(machine: Machine, { code, data }: ScriptCursor): ScriptResult {
  const { isExecuting } = machine;
  if (data !== undefined) {
    if (!isExecuting) return undefined;
    if (machine.has("MINIMALDATA") && !isMinimalPush(code, data)) return "MINIMALDATA";
    machine.push(data);
    return undefined;
  }
  // OP_IF to OP_ENDIF are looked at even where nothing is executed; OP_VERIF and OP_VERNOTIF among them are invalid anywhere.
  if (!isExecuting && (code < op.OP_IF || code > op.OP_ENDIF)) return undefined;
  const operation = operations[code];
  return operation === undefined ? "BAD_OPCODE" : (operation(machine) ?? undefined);
}
