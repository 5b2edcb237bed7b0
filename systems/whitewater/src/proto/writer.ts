/**
 * Writes messages back to front: a message's length is known once its content stands behind it, so that one pass is enough and nothing is measured twice.
 */
import type { Message, Row } from "./message.ts";

/** The ids of cluster and member stand in every answer, and arithmetic on bigints costs more than all the rest of one. */
const recent = new Map<bigint, Uint8Array>();
const mostRecent = 256;

type Values = Readonly<Record<string, unknown>>;

const smallest = 64 * 1024;
/** A scratch buffer that one big message blew up is let go. */
const largestKept = 4 * 1024 * 1024;

export class Writer {
  private scratch = Buffer.allocUnsafe(smallest);
  private at = smallest;

  start(): void {
    if (this.scratch.length > largestKept) this.scratch = Buffer.allocUnsafe(smallest);
    this.at = this.scratch.length;
  }

  finish(): Buffer {
    return Buffer.from(this.scratch.subarray(this.at));
  }

  message(type: Message<unknown>, values: Values): void {
    for (const row of type.ordered) {
      const value = values[row.name];
      if (value === undefined) continue;
      if (row.isRepeated) this.list(row, value as readonly unknown[]);
      else this.field(row, value);
    }
  }

  private list(row: Row, values: readonly unknown[]): void {
    if (values.length === 0) return;
    if (row.kind === "int") this.packed(row, values as readonly number[]);
    else for (let index = values.length - 1; index >= 0; index--) this.value(row, values[index]);
  }

  private packed(row: Row, values: readonly number[]): void {
    const stop = this.fromEnd();
    for (let index = values.length - 1; index >= 0; index--) this.int(values[index]!);
    this.int(this.fromEnd() - stop);
    this.int(row.number * 8 + 2);
  }

  /** A scalar's default is not written. */
  private field(row: Row, value: unknown): void {
    if (row.kind === "message") this.value(row, value);
    else if (row.kind === "bytes" || row.kind === "key" || row.kind === "text") {
      if ((value as string | Uint8Array).length > 0) this.value(row, value);
    } else if (value !== row.absent) this.value(row, value);
  }

  private value(row: Row, value: unknown): void {
    const stop = this.fromEnd();
    if (row.kind === "int") this.int(value as number);
    else if (row.kind === "bool") this.int(value === true ? 1 : 0);
    else if (row.kind === "id" || row.kind === "uid") this.bigint(value as bigint);
    else {
      this.content(row, value);
      this.int(this.fromEnd() - stop);
      this.int(row.number * 8 + 2);
      return;
    }
    this.int(row.number * 8);
  }

  private content(row: Row, value: unknown): void {
    if (row.kind === "bytes") this.bytes(value as Uint8Array);
    else if (row.kind === "message") this.message(row.of!(), value as Values);
    else this.string(value as string, row.kind === "key" ? "latin1" : "utf8");
  }

  private fromEnd(): number {
    return this.scratch.length - this.at;
  }

  private bytes(value: Uint8Array): void {
    this.room(value.length);
    this.at -= value.length;
    this.scratch.set(value, this.at);
  }

  private string(value: string, encoding: "latin1" | "utf8"): void {
    const size = encoding === "latin1" ? value.length : Buffer.byteLength(value);
    this.room(size);
    this.at -= size;
    this.scratch.write(value, this.at, size, encoding);
  }

  private int(value: number): void {
    if (value < 0) this.bigint(BigInt(Math.trunc(value)));
    else this.varint(value);
  }

  private varint(value: number): void {
    let size = 1;
    for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size++;
    this.room(size);
    this.at -= size;
    let at = this.at;
    let rest = value;
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.scratch[at++] = (rest % 128) | 128;
    this.scratch[at] = rest;
  }

  private bigint(value: bigint): void {
    let digits = recent.get(value);
    if (digits === undefined) {
      digits = digitsOf(value);
      if (recent.size >= mostRecent) recent.clear();
      recent.set(value, digits);
    }
    this.bytes(digits);
  }

  private room(size: number): void {
    if (this.at >= size) return;
    const used = this.fromEnd();
    const grown = Buffer.allocUnsafe(Math.max(this.scratch.length * 2, used + size + smallest));
    this.scratch.copy(grown, grown.length - used, this.at);
    this.scratch = grown;
    this.at = grown.length - used;
  }
}

function digitsOf(value: bigint): Uint8Array {
  const digits: number[] = [];
  let rest = BigInt.asUintN(64, value);
  for (; rest >= 128n; rest >>= 7n) digits.push(Number(rest & 127n) | 128);
  digits.push(Number(rest));
  return Uint8Array.from(digits);
}
