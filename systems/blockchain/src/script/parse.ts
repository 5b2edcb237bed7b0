/** Walking through a script's bytes: pushes, opcodes, what can be told without executing it. */
import { op } from "./opcodes.ts";

/** Where a walk stands: set by `next`, read by the caller; one object per walk, so that walking allocates nothing but pushed views. */
export class ScriptCursor {
  readonly script: Buffer;
  /** Where the next opcode is. */
  offset: number;
  /** The last opcode read. */
  code = 0;
  /** What it pushes; undefined unless it is one of the pushes with data, 0 to OP_PUSHDATA4. */
  data: Buffer | undefined;

  constructor(script: Buffer, offset = 0) {
    this.script = script;
    this.offset = offset;
  }

  get atEnd(): boolean {
    return this.offset >= this.script.length;
  }

  /** Reads one opcode; false when its data is cut off. Not to be called at the end. */
  next(): boolean {
    const { script } = this;
    const code = script[this.offset++] as number;
    this.code = code;
    this.data = undefined;
    if (code > op.OP_PUSHDATA4) return true;
    const size = code < op.OP_PUSHDATA1 ? code : this.#size(code);
    if (size > script.length - this.offset) return false;
    this.data = script.subarray(this.offset, this.offset + size);
    this.offset += size;
    return true;
  }

  /** The announced size of a push; infinite when the size itself is cut off. */
  #size(code: number): number {
    const { script, offset } = this;
    const width = code === op.OP_PUSHDATA1 ? 1 : code === op.OP_PUSHDATA2 ? 2 : 4;
    if (script.length - offset < width) return Number.POSITIVE_INFINITY;
    this.offset += width;
    return script.readUIntLE(offset, width);
  }
}

/** Whether a script does nothing but push. */
export function isPushOnly(script: Buffer): boolean {
  const cursor = new ScriptCursor(script);
  while (!cursor.atEnd) if (!cursor.next() || cursor.code > op.OP_16) return false;
  return true;
}

/** Whether data is pushed in the shortest way there is. */
export function isMinimalPush(code: number, data: Buffer): boolean {
  const first = data[0];
  if (first === undefined) return code === op.OP_0;
  if (data.length === 1 && ((first >= 1 && first <= 16) || first === 0x81)) return false;
  if (data.length <= 75) return code === data.length;
  if (data.length <= 255) return code === op.OP_PUSHDATA1;
  return data.length > 65535 || code === op.OP_PUSHDATA2;
}

/** The shortest push of some bytes by their length alone, as signature hashing and P2SH have it: never OP_1 and the like. */
export function pushOf(data: Uint8Array): Buffer {
  const size = data.length;
  const prefix =
    size < op.OP_PUSHDATA1
      ? [size]
      : size <= 0xff
        ? [op.OP_PUSHDATA1, size]
        : size <= 0xffff
          ? [op.OP_PUSHDATA2, size & 0xff, size >>> 8]
          : [op.OP_PUSHDATA4, size & 0xff, (size >>> 8) & 0xff, (size >>> 16) & 0xff, size >>> 24];
  return Buffer.concat([Buffer.from(prefix), data]);
}

/** A number as a script pushes it: OP_0, OP_1NEGATE, OP_1 to OP_16, else its shortest bytes. */
export function pushNumber(value: number): Buffer {
  if (value === 0) return Buffer.from([op.OP_0]);
  if (value === -1 || (value >= 1 && value <= 16)) return Buffer.from([value + op.OP_1 - 1]);
  return pushOf(encodeNumber(value));
}

/** Little-endian with a sign bit, as short as can be; for any safe integer. */
export function encodeNumber(value: number): Buffer {
  if (value === 0) return Buffer.alloc(0);
  const bytes: number[] = [];
  for (let rest = Math.abs(value); rest > 0; rest = Math.floor(rest / 256)) bytes.push(rest % 256);
  if ((bytes.at(-1) as number) & 0x80) bytes.push(0);
  if (value < 0) bytes[bytes.length - 1] = (bytes.at(-1) as number) | 0x80;
  return Buffer.from(bytes);
}

/** The number that bytes of a script stand for; the caller has checked that there are at most five. */
export function decodeNumber(bytes: Buffer): number {
  const last = bytes.at(-1);
  if (last === undefined) return 0;
  let value = last & 0x7f;
  for (let i = bytes.length - 2; i >= 0; i--) value = value * 256 + (bytes[i] as number);
  return last & 0x80 ? -value : value;
}

/** Whether a number has no byte too many. */
export function isMinimalNumber(bytes: Buffer): boolean {
  const last = bytes.at(-1);
  if (last === undefined || last & 0x7f) return true;
  return bytes.length > 1 && ((bytes.at(-2) as number) & 0x80) !== 0;
}

/**
 * Takes every occurrence of `part` that starts at an opcode out of a script, as signature hashing before segwit does. Returns the same
 * object when there is none. What follows a cut-off push is kept.
 */
export function findAndDelete(script: Buffer, part: Buffer): Buffer {
  if (part.length === 0 || !script.includes(part)) return script;
  const kept: Buffer[] = [];
  const cursor = new ScriptCursor(script);
  let from = 0;
  let more = true;
  while (more) {
    while (script.length - cursor.offset >= part.length && startsAt(script, part, cursor.offset)) {
      kept.push(script.subarray(from, cursor.offset));
      cursor.offset += part.length;
      from = cursor.offset;
    }
    more = !cursor.atEnd && cursor.next();
  }
  if (kept.length === 0) return script;
  kept.push(script.subarray(from));
  return Buffer.concat(kept);
}

const startsAt = (script: Buffer, part: Buffer, at: number): boolean =>
  script.compare(part, 0, part.length, at, at + part.length) === 0;
