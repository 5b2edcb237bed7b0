/**
 * Changes as bytes, in the order in which they were made: where they are kept until the tree has them, and how they go to the thread that writes them. Of a
 * hundred thousand changes the garbage collector thus sees some buffers.
 *
 *     (length of the key (varint) | 0 for removed, or 1 + length of the stored value (varint) | key | stored value)*
 *
 * A change's place is the number of its part times `PART_BYTES`, plus its offset there. A change that is longer has a part of its own.
 */
import { varintSize, writeVarint } from "./bytes.ts";

const PART_BITS = 18;
const PART_BYTES = 1 << PART_BITS;

interface Part {
  readonly bytes: Buffer;
  usedBytes: number;
}

export class Changes {
  readonly #parts: Part[] = [];
  #sizeBytes = 0;

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Copies the change and returns its place. */
  add(key: Uint8Array, stored: Uint8Array | undefined): number {
    const mark = stored ? stored.length + 1 : 0;
    const length = varintSize(key.length) + varintSize(mark) + key.length + (stored?.length ?? 0);
    const part = this.#partFor(length);
    const place = ((this.#parts.length - 1) << PART_BITS) + part.usedBytes;
    let at = writeVarint(part.bytes, mark, writeVarint(part.bytes, key.length, part.usedBytes));
    part.bytes.set(key, at);
    at += key.length;
    if (stored) part.bytes.set(stored, at);
    part.usedBytes += length;
    this.#sizeBytes += length;
    return place;
  }

  /** A view of the stored value; undefined for a removal. */
  storedAt(place: number): Buffer | undefined {
    const { bytes } = this.#parts[place >>> PART_BITS] as Part;
    return readChange(bytes, place & (PART_BYTES - 1)).stored;
  }

  isPresentAt(place: number): boolean {
    const { bytes } = this.#parts[place >>> PART_BITS] as Part;
    const [, afterLength] = readVarint(bytes, place & (PART_BYTES - 1));
    return bytes[afterLength] !== 0;
  }

  /** Copies of all parts, each with a buffer of its own. */
  copy(): Uint8Array<ArrayBuffer>[] {
    return this.#parts.map(({ bytes, usedBytes }) => {
      const copy = new Uint8Array(usedBytes);
      copy.set(bytes.subarray(0, usedBytes));
      return copy;
    });
  }

  #partFor(length: number): Part {
    const last = this.#parts.at(-1);
    if (last && last.usedBytes + length <= last.bytes.length) return last;
    const part = { bytes: Buffer.allocUnsafeSlow(Math.max(PART_BYTES, length)), usedBytes: 0 };
    this.#parts.push(part);
    return part;
  }
}

export interface PlainChange {
  readonly key: Buffer;
  /** Undefined: removed. */
  readonly stored: Buffer | undefined;
  /** Where the next one begins. */
  readonly end: number;
}

/** Key and value are views of the bytes. */
export function readChange(bytes: Buffer, offset: number): PlainChange {
  const [keyLength, afterLength] = readVarint(bytes, offset);
  const [mark, start] = readVarint(bytes, afterLength);
  const middle = start + keyLength;
  const end = middle + Math.max(0, mark - 1);
  return { key: bytes.subarray(start, middle), stored: mark === 0 ? undefined : bytes.subarray(middle, end), end };
}

/** The value, and the offset behind it. */
function readVarint(bytes: Buffer, offset: number): readonly [number, number] {
  let value = 0;
  let at = offset;
  for (let scale = 1; ; scale *= 128) {
    const byte = bytes[at++] as number;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return [value, at];
  }
}

/** The last change of each key, in the order of the keys. */
export function* lastChanges(parts: readonly Uint8Array[]): Generator<PlainChange> {
  const places = new Map<string, number>();
  const buffers = parts.map((part) => Buffer.from(part.buffer, part.byteOffset, part.length));
  for (const [number, bytes] of buffers.entries())
    for (let at = 0; at < bytes.length; ) {
      const { key, end } = readChange(bytes, at);
      places.set(key.toString("latin1"), (number << PART_BITS) + at);
      at = end;
    }
  for (const id of [...places.keys()].sort()) {
    const place = places.get(id) as number;
    yield readChange(buffers[place >>> PART_BITS] as Buffer, place & (PART_BYTES - 1));
  }
}
