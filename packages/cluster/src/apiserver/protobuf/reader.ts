/** Reads protobuf's wire format (https://protobuf.dev/programming-guides/encoding/). Everything comes from outside, so every length is checked. */

export class WireError extends Error {
  override readonly name = "WireError";
}

export const wireTypes = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/** A field as it stands on the wire: its number, and a number or bytes. */
export interface RawField {
  readonly number: number;
  readonly value: number | Buffer;
}

/** Throws WireError where the bytes are no message. */
export function* readFields(bytes: Buffer): Generator<RawField> {
  const reader = new Reader(bytes);
  while (!reader.isAtEnd) {
    const key = reader.varint();
    yield { number: Math.floor(key / 8), value: reader.value(key % 8) };
  }
}

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  value(wireType: number): number | Buffer {
    if (wireType === wireTypes.varint) return this.varint();
    if (wireType === wireTypes.bytes) return this.take(this.varint());
    if (wireType === wireTypes.fixed64) return this.take(8).readDoubleLE();
    if (wireType === wireTypes.fixed32) return this.take(4).readFloatLE();
    throw new WireError(`unknown wire type ${wireType}`);
  }

  /** A signed 64-bit number; beyond 2^53 its last digits are lost, as they are in JSON. */
  varint(): number {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) throw new WireError("unexpected EOF");
      if (shift === 0n && byte < 0x80) return byte; // most are one byte long
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return Number(BigInt.asIntN(64, value));
    }
    throw new WireError("integer overflow");
  }

  take(size: number): Buffer {
    const end = this.#at + size;
    if (size < 0 || end > this.#bytes.length) throw new WireError("unexpected EOF");
    const part = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return part;
  }
}
