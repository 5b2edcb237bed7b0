/** Reads messages from bytes of unknown origin. Every length is checked against what is there before it is used. */
import { WhitewaterError } from "../errors.ts";
import type { Message, Row } from "./message.ts";

/** Messages within messages; etcd's own limit is Go's default of 10,000, which no request needs. */
const deepest = 64;

const malformed = (why: string): WhitewaterError =>
  new WhitewaterError("malformed", `the message is not valid Protocol Buffers: ${why}`);

const wireOf = { bytes: 2, key: 2, text: 2, message: 2, int: 0, id: 0, uid: 0, bool: 0 } as const;

export class Reader {
  readonly end: number;
  private at = 0;
  private readonly input: Buffer;

  constructor(input: Uint8Array) {
    this.input = Buffer.isBuffer(input) ? input : Buffer.from(input.buffer, input.byteOffset, input.byteLength);
    this.end = this.input.length;
  }

  message(type: Message<unknown>, end: number, depth: number): Record<string, unknown> {
    if (depth > deepest) throw malformed("nested too deep");
    const made = type.make();
    while (this.at < end) {
      const tag = this.varint(end);
      const row = type.rows[tag >>> 3];
      const wire = tag & 7;
      if (row === undefined) this.skip(wire, end);
      else if (wire === wireOf[row.kind]) this.field(made, row, end, depth);
      else if (wire === 2 && row.isRepeated) this.packed(made, row, end);
      else throw malformed(`field ${row.name} of ${type.name} has another type`);
    }
    return made;
  }

  private field(made: Record<string, unknown>, row: Row, end: number, depth: number): void {
    const value = this.value(row, end, depth);
    if (row.isRepeated) (made[row.name] as unknown[]).push(value);
    else made[row.name] = value;
  }

  private packed(made: Record<string, unknown>, row: Row, end: number): void {
    const stop = this.length(end);
    while (this.at < stop) (made[row.name] as unknown[]).push(this.value(row, stop, 0));
  }

  private value(row: Row, end: number, depth: number): unknown {
    switch (row.kind) {
      case "int":
        return this.varint(end);
      case "bool":
        return this.varint(end) !== 0;
      case "id":
        return BigInt.asIntN(64, this.bigVarint(end));
      case "uid":
        return BigInt.asUintN(64, this.bigVarint(end));
      default:
        return this.sized(row, this.length(end), depth);
    }
  }

  private sized(row: Row, stop: number, depth: number): unknown {
    const start = this.at;
    if (row.of !== undefined) return this.message(row.of(), stop, depth + 1);
    this.at = stop;
    if (row.kind === "key") return this.input.toString("latin1", start, stop);
    if (row.kind === "text") return this.input.toString("utf8", start, stop);
    return this.input.subarray(start, stop);
  }

  /** Where a sized field that starts here ends. */
  private length(end: number): number {
    const size = this.varint(end);
    const stop = this.at + size;
    if (size < 0 || stop > end) throw malformed("a field is longer than its message");
    return stop;
  }

  /** Exact up to 2^53 either way; what is beyond is rounded, and no request that is obeyed has it. */
  private varint(end: number): number {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < 10; count++) {
      if (this.at >= end) throw malformed("it ends within a number");
      const byte = this.input[this.at++]!;
      if (count === 9) return this.negative(this.at - 10);
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      scale *= 128;
    }
    throw malformed("a number of more than ten bytes");
  }

  private negative(from: number): number {
    this.at = from;
    return Number(BigInt.asIntN(64, this.bigVarint(this.end)));
  }

  private bigVarint(end: number): bigint {
    let value = 0n;
    for (let count = 0n; count < 10n; count++) {
      if (this.at >= end) throw malformed("it ends within a number");
      const byte = this.input[this.at++]!;
      value |= BigInt(byte & 127) << (7n * count);
      if (byte < 128) return value;
    }
    throw malformed("a number of more than ten bytes");
  }

  private skip(wire: number, end: number): void {
    if (wire === 0) this.varint(end);
    else if (wire === 1) this.at += 8;
    else if (wire === 2) this.at = this.length(end);
    else if (wire === 5) this.at += 4;
    else throw malformed(`wire type ${wire}`);
    if (this.at > end) throw malformed("a field is longer than its message");
  }
}
