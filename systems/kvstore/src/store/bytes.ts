/** Unsigned LEB128 lengths and length-prefixed byte strings, as log entries and snapshots use them. */
import { KvStoreError } from "../errors.ts";

/** Lengths stay below 2^31, so five bytes do. */
const MAX_VARINT_BYTES = 5;

export function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 128)) size++;
  return size;
}

/** Returns the offset behind what was written. */
export function writeVarint(target: Buffer, value: number, offset: number): number {
  let rest = value;
  let at = offset;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) target[at++] = (rest % 128) | 0x80;
  target[at++] = rest;
  return at;
}

export const sizedLength = (bytes: Uint8Array): number => varintSize(bytes.length) + bytes.length;

export function writeSized(target: Buffer, bytes: Uint8Array, offset: number): number {
  const at = writeVarint(target, bytes.length, offset);
  target.set(bytes, at);
  return at + bytes.length;
}

/** Reads what the functions above wrote; byte strings are views of the source, not copies. Throws `corrupt` past the end. */
export class ByteReader {
  readonly #source: Buffer;
  #at: number;

  constructor(source: Uint8Array, offset = 0) {
    this.#source = Buffer.from(source.buffer, source.byteOffset, source.byteLength);
    this.#at = offset;
  }

  get atEnd(): boolean {
    return this.#at >= this.#source.length;
  }

  byte(): number {
    const value = this.#source[this.#at++];
    if (value === undefined) throw ended();
    return value;
  }

  varint(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < MAX_VARINT_BYTES; i++, scale *= 128) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    throw new KvStoreError("corrupt", "A length in the data is longer than five bytes.");
  }

  bytes(length: number): Buffer {
    const end = this.#at + length;
    if (end > this.#source.length) throw ended();
    const view = this.#source.subarray(this.#at, end);
    this.#at = end;
    return view;
  }

  sized(): Buffer {
    return this.bytes(this.varint());
  }

  uint48(): number {
    return this.bytes(6).readUIntBE(0, 6);
  }
}

const ended = (): KvStoreError => new KvStoreError("corrupt", "The data ends in the middle of a record.");
