/** What each opcode does: flow, stack, numbers and hashes. Those that check signatures are in `signature-operations.ts`. */
import { hash160, ripemd160, sha1, sha256, sha256d } from "../primitives/hash.ts";
import { sequenceDisabled } from "./checker.ts";
import { isTrue, type Machine, type Operation } from "./machine.ts";
import { type OpName, op } from "./opcodes.ts";
import type { ScriptResult } from "./script-error.ts";
import { checkMultisig, checkSignature, checkSignatureAdd } from "./signature-operations.ts";

/** Executes the operation, then fails with `reason` unless it left true, as the …VERIFY opcodes do. */
const verifying =
  (operation: Operation, reason: NonNullable<ScriptResult>): Operation =>
  (m) =>
    operation(m) ?? (isTrue(m.pop()) ? undefined : reason);

const unary =
  (compute: (a: number) => number): Operation =>
  (m) => {
    const value = compute(m.numberAt(0));
    m.pop();
    m.pushNumber(value);
  };

const binary =
  (compute: (a: number, b: number) => number): Operation =>
  (m) => {
    m.need(2);
    const value = compute(m.numberAt(1), m.numberAt(0));
    m.pop();
    m.pop();
    m.pushNumber(value);
  };

const comparing = (compare: (a: number, b: number) => boolean): Operation => binary((a, b) => (compare(a, b) ? 1 : 0));

const hashing =
  (hash: (bytes: Buffer) => Buffer): Operation =>
  (m) =>
    m.push(hash(m.pop()));

const nop: Operation = (m) => (m.has("DISCOURAGE_UPGRADABLE_NOPS") ? "DISCOURAGE_UPGRADABLE_NOPS" : undefined);

/** Copies the item `depth` below the top, of `count` items that must be there. */
const copying =
  (count: number, ...depths: readonly number[]): Operation =>
  (m) => {
    m.need(count);
    for (const depth of depths) m.push(m.top(depth));
  };

/** Moves the item `depth` below the top to the top, `times` times. */
const moving =
  (depth: number, times = 1): Operation =>
  (m) => {
    m.need(depth + 1);
    for (let i = 0; i < times; i++) m.push(m.take(depth));
  };

const conditional =
  (expected: boolean): Operation =>
  (m) => {
    if (!m.isExecuting) return m.enter(false);
    const item = m.top();
    const isMinimal = item.length === 0 || (item.length === 1 && item[0] === 1);
    if (m.version === "tapscript" && !isMinimal) return "TAPSCRIPT_MINIMALIF";
    if (m.version === "witness" && m.has("MINIMALIF") && !isMinimal) return "MINIMALIF";
    return m.enter(isTrue(m.pop()) === expected);
  };

const picked =
  (move: boolean): Operation =>
  (m) => {
    m.need(2);
    const depth = m.numberAt(0);
    m.pop();
    if (depth < 0 || depth >= m.stack.length) return "INVALID_STACK_OPERATION";
    m.push(move ? m.take(depth) : m.top(depth));
    return undefined;
  };

const constant =
  (value: number): Operation =>
  (m) =>
    m.pushNumber(value);

/** Lock times have up to five bytes, since 32 bits without a sign don't fit into four. */
const lockTimeBytes = 5;

function checkLockTime(m: Machine): ScriptResult {
  if (!m.has("CHECKLOCKTIMEVERIFY")) return undefined;
  const lockTime = m.numberAt(0, lockTimeBytes);
  if (lockTime < 0) return "NEGATIVE_LOCKTIME";
  return m.checker.checkLockTime(lockTime) ? undefined : "UNSATISFIED_LOCKTIME";
}

function checkSequence(m: Machine): ScriptResult {
  if (!m.has("CHECKSEQUENCEVERIFY")) return undefined;
  const sequence = m.numberAt(0, lockTimeBytes);
  if (sequence < 0) return "NEGATIVE_LOCKTIME";
  // `&` takes the lowest 32 bits, among which is the switch.
  if ((sequence & sequenceDisabled) !== 0) return undefined;
  return m.checker.checkSequence(sequence) ? undefined : "UNSATISFIED_LOCKTIME";
}

const equal: Operation = (m) => {
  m.need(2);
  m.pushBoolean(m.pop().equals(m.pop()));
};

const within: Operation = (m) => {
  m.need(3);
  const [value, low, high] = [m.numberAt(2), m.numberAt(1), m.numberAt(0)];
  m.stack.length -= 3;
  m.pushBoolean(low <= value && value < high);
};

const tuck: Operation = (m) => {
  m.need(2);
  m.stack.splice(-2, 0, m.top());
};

function codeSeparator(m: Machine): undefined {
  m.codeStart = m.offset;
  m.separator = m.position;
}

const flow: Partial<Record<OpName, Operation>> = {
  OP_NOP: () => undefined,
  OP_CHECKLOCKTIMEVERIFY: checkLockTime,
  OP_CHECKSEQUENCEVERIFY: checkSequence,
  OP_NOP1: nop,
  OP_NOP4: nop,
  OP_NOP5: nop,
  OP_NOP6: nop,
  OP_NOP7: nop,
  OP_NOP8: nop,
  OP_NOP9: nop,
  OP_NOP10: nop,
  OP_IF: conditional(true),
  OP_NOTIF: conditional(false),
  OP_ELSE: (m) => (m.toggle() ? undefined : "UNBALANCED_CONDITIONAL"),
  OP_ENDIF: (m) => (m.leave() ? undefined : "UNBALANCED_CONDITIONAL"),
  OP_VERIFY: verifying(() => undefined, "VERIFY"),
  OP_RETURN: () => "OP_RETURN",
  OP_CODESEPARATOR: codeSeparator,
};

const stacks: Partial<Record<OpName, Operation>> = {
  OP_TOALTSTACK: (m) => void m.alternative.push(m.pop()),
  OP_FROMALTSTACK: (m) => {
    const item = m.alternative.pop();
    if (item === undefined) return "INVALID_ALTSTACK_OPERATION";
    m.push(item);
    return undefined;
  },
  OP_2DROP: (m) => {
    m.need(2);
    m.stack.length -= 2;
  },
  OP_2DUP: copying(2, 1, 1),
  OP_3DUP: copying(3, 2, 2, 2),
  OP_2OVER: copying(4, 3, 3),
  OP_2ROT: moving(5, 2),
  OP_2SWAP: moving(3, 2),
  OP_IFDUP: (m) => {
    const item = m.top();
    if (isTrue(item)) m.push(item);
  },
  OP_DEPTH: (m) => m.pushNumber(m.stack.length),
  OP_DROP: (m) => void m.pop(),
  OP_DUP: copying(1, 0),
  OP_NIP: (m) => {
    m.need(2);
    m.take(1);
  },
  OP_OVER: copying(2, 1),
  OP_PICK: picked(false),
  OP_ROLL: picked(true),
  OP_ROT: moving(2),
  OP_SWAP: moving(1),
  OP_TUCK: tuck,
  OP_SIZE: (m) => m.pushNumber(m.top().length),
  OP_EQUAL: equal,
  OP_EQUALVERIFY: verifying(equal, "EQUALVERIFY"),
};

const numEqual = comparing((a, b) => a === b);

const numbers: Partial<Record<OpName, Operation>> = {
  OP_1ADD: unary((a) => a + 1),
  OP_1SUB: unary((a) => a - 1),
  OP_NEGATE: unary((a) => -a),
  OP_ABS: unary(Math.abs),
  OP_NOT: unary((a) => (a === 0 ? 1 : 0)),
  OP_0NOTEQUAL: unary((a) => (a === 0 ? 0 : 1)),
  OP_ADD: binary((a, b) => a + b),
  OP_SUB: binary((a, b) => a - b),
  OP_BOOLAND: comparing((a, b) => a !== 0 && b !== 0),
  OP_BOOLOR: comparing((a, b) => a !== 0 || b !== 0),
  OP_NUMEQUAL: numEqual,
  OP_NUMEQUALVERIFY: verifying(numEqual, "NUMEQUALVERIFY"),
  OP_NUMNOTEQUAL: comparing((a, b) => a !== b),
  OP_LESSTHAN: comparing((a, b) => a < b),
  OP_GREATERTHAN: comparing((a, b) => a > b),
  OP_LESSTHANOREQUAL: comparing((a, b) => a <= b),
  OP_GREATERTHANOREQUAL: comparing((a, b) => a >= b),
  OP_MIN: binary(Math.min),
  OP_MAX: binary(Math.max),
  OP_WITHIN: within,
};

const crypto: Partial<Record<OpName, Operation>> = {
  OP_RIPEMD160: hashing(ripemd160),
  OP_SHA1: hashing(sha1),
  OP_SHA256: hashing(sha256),
  OP_HASH160: hashing(hash160),
  OP_HASH256: hashing(sha256d),
  OP_CHECKSIG: checkSignature,
  OP_CHECKSIGVERIFY: verifying(checkSignature, "CHECKSIGVERIFY"),
  OP_CHECKSIGADD: checkSignatureAdd,
  OP_CHECKMULTISIG: checkMultisig,
  OP_CHECKMULTISIGVERIFY: verifying(checkMultisig, "CHECKMULTISIGVERIFY"),
};

function tableOf(...rows: readonly Partial<Record<OpName, Operation>>[]): readonly (Operation | undefined)[] {
  const table = new Array<Operation | undefined>(256).fill(undefined);
  table[op.OP_1NEGATE] = constant(-1);
  for (let code = op.OP_1; code <= op.OP_16; code++) table[code] = constant(code - op.OP_1 + 1);
  for (const row of rows) for (const [name, operation] of Object.entries(row)) table[op[name as OpName]] = operation;
  return table;
}

/** The operation of each opcode; none for those that are invalid when executed. */
export const operations: readonly (Operation | undefined)[] = tableOf(flow, stacks, numbers, crypto);
