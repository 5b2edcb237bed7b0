/** The state of a running script, and what opcodes do to it. */
import type { Checker, TaprootContext } from "./checker.ts";
import { scriptFlag } from "./flags.ts";
import { decodeNumber, encodeNumber, isMinimalNumber } from "./parse.ts";
import type { ScriptError, ScriptResult } from "./script-error.ts";

/** By which rules signatures and limits go: original, segwit v0, or BIP 342. */
export type SigVersion = "base" | "witness" | "tapscript";

/** What a tapscript knows of its input. */
export interface TapscriptRun {
  readonly annex: Buffer | undefined;
  readonly leafHash: Buffer;
  /** BIP 342's budget: every signature checked takes 50 of it. */
  weightLeft: number;
}

/** What holds for all scripts of an input. */
export interface ScriptContext {
  readonly flags: number;
  readonly checker: Checker;
}

/** How one script is run. */
export type Mode = "base" | "witness" | TapscriptRun;

const emptyItem = Buffer.alloc(0);
const trueItem = Buffer.from([1]);
const noSeparator = 0xffffffff;

/** Whether an item counts as true: any byte set but the sign of a negative zero. */
export function isTrue(item: Buffer): boolean {
  const last = item.length - 1;
  for (let i = 0; i <= last; i++) if (item[i] !== 0) return !(i === last && item[i] === 0x80);
  return false;
}

/** Ends a script out of the depth of reading an operand; caught where the script is run. */
export class ScriptFailure {
  readonly reason: ScriptError;

  constructor(reason: ScriptError) {
    this.reason = reason;
  }
}

const shortStack = new ScriptFailure("INVALID_STACK_OPERATION");
const badNumber = new ScriptFailure("SCRIPTNUM");

/**
 * Invariants: `stack` and `alternative` together hold at most 1000 items when an opcode has been executed (the interpreter checks);
 * items are never written to, so scripts, witnesses and duplicates share their bytes.
 */
export class Machine {
  readonly stack: Buffer[];
  readonly alternative: Buffer[] = [];
  readonly script: Buffer;
  readonly flags: number;
  readonly version: SigVersion;
  readonly checker: Checker;
  readonly tapscript: TapscriptRun | undefined;
  /** Operations executed or passed over, of 201 allowed before tapscript. */
  opCount = 0;
  /** Where the part of the script that signatures sign begins. */
  codeStart = 0;
  /** The last OP_CODESEPARATOR's position in opcodes. */
  separator = noSeparator;
  /** The opcode at work, its position in opcodes, and where the next one is. */
  code = 0;
  position = 0;
  offset = 0;
  readonly #conditions: boolean[] = [];
  /** How many of the conditions are false: kept, so that deep nesting costs nothing per opcode. */
  #falseConditions = 0;

  constructor(script: Buffer, stack: Buffer[], context: ScriptContext, mode: Mode) {
    this.script = script;
    this.stack = stack;
    this.flags = context.flags;
    this.checker = context.checker;
    this.version = typeof mode === "string" ? mode : "tapscript";
    this.tapscript = typeof mode === "string" ? undefined : mode;
  }

  /** Whether opcodes are executed here, not passed over. */
  get isExecuting(): boolean {
    return this.#falseConditions === 0;
  }

  get isBalanced(): boolean {
    return this.#conditions.length === 0;
  }

  has(flag: keyof typeof scriptFlag): boolean {
    return (this.flags & scriptFlag[flag]) !== 0;
  }

  enter(condition: boolean): undefined {
    this.#conditions.push(condition);
    if (!condition) this.#falseConditions += 1;
  }

  /** OP_ELSE; false without an OP_IF before. */
  toggle(): boolean {
    const condition = this.#conditions.pop();
    if (condition === undefined) return false;
    if (!condition) this.#falseConditions -= 1;
    this.enter(!condition);
    return true;
  }

  /** OP_ENDIF; false without an OP_IF before. */
  leave(): boolean {
    const condition = this.#conditions.pop();
    if (condition === false) this.#falseConditions -= 1;
    return condition !== undefined;
  }

  /** Fails the script unless the stack holds `count` items. */
  need(count: number): void {
    if (this.stack.length < count) throw shortStack;
  }

  /** The item `depth` below the top; 0 is the top. */
  top(depth = 0): Buffer {
    const item = this.stack[this.stack.length - 1 - depth];
    if (item === undefined) throw shortStack;
    return item;
  }

  pop(): Buffer {
    const item = this.stack.pop();
    if (item === undefined) throw shortStack;
    return item;
  }

  push(item: Buffer): undefined {
    this.stack.push(item);
  }

  pushBoolean(value: boolean): undefined {
    this.stack.push(value ? trueItem : emptyItem);
  }

  pushNumber(value: number): undefined {
    this.stack.push(encodeNumber(value));
  }

  /** The number that an item stands for, of at most `size` bytes. */
  numberAt(depth: number, size = 4): number {
    const item = this.top(depth);
    if (item.length > size || (this.has("MINIMALDATA") && !isMinimalNumber(item))) throw badNumber;
    return decodeNumber(item);
  }

  /** Removes and returns the item `depth` below the top. */
  take(depth: number): Buffer {
    if (depth < 0 || depth >= this.stack.length) throw shortStack;
    return this.stack.splice(this.stack.length - 1 - depth, 1)[0] as Buffer;
  }

  /** What a signature of this tapscript signs besides the transaction. */
  taprootContext(run: TapscriptRun): TaprootContext {
    return { annex: run.annex, tapscript: { leafHash: run.leafHash, separator: this.separator } };
  }
}

export type Operation = (machine: Machine) => ScriptResult;
