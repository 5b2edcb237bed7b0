/**
 * Reading and writing Bitcoin's serialization. The reader trusts nothing: every length is checked against what is left before anything is
 * allocated, so a hostile message costs no more memory than its own bytes. Views, not copies, are handed out; who keeps a small part of a
 * large message for long copies it (`Buffer.from(part)`), else the whole message stays in memory.
 */
import { BlockchainError } from "../errors.ts";

/** No length in Bitcoin's serialization may exceed this (MAX_SIZE in Bitcoin Core). */
export const maxCompactSize = 0x02000000;

const malformed = (message: string): BlockchainError => new BlockchainError("malformed", message);

export class ByteReader {
  readonly #bytes: Buffer;
  readonly #end: number;
  #offset: number;

  constructor(bytes: Uint8Array, offset = 0) {
    this.#bytes = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#offset = offset;
    this.#end = bytes.length;
  }

  /** Where the next byte is read. */
  get offset(): number {
    return this.#offset;
  }

  /** All the bytes, of which `offset` is a place. */
  get source(): Buffer {
    return this.#bytes;
  }

  /** Bytes not yet read. */
  get left(): number {
    return this.#end - this.#offset;
  }

  u8(): number {
    return this.#bytes[this.#take(1)] as number;
  }

  u16(): number {
    return this.#bytes.readUInt16LE(this.#take(2));
  }

  u32(): number {
    return this.#bytes.readUInt32LE(this.#take(4));
  }

  i32(): number {
    return this.#bytes.readInt32LE(this.#take(4));
  }

  u64(): bigint {
    return this.#bytes.readBigUInt64LE(this.#take(8));
  }

  /** A signed 64-bit integer that must be a safe integer, as every amount of money is; anything larger is malformed. */
  i64(): number {
    const value = this.wideI64();
    if (typeof value === "bigint") throw malformed("an amount is beyond 2^53");
    return value;
  }

  /** Any signed 64-bit integer: a bigint where it is no safe integer. */
  wideI64(): number | bigint {
    const at = this.#take(8);
    const value = this.#bytes.readInt32LE(at + 4) * 0x100000000 + this.#bytes.readUInt32LE(at);
    return Number.isSafeInteger(value) ? value : this.#bytes.readBigInt64LE(at);
  }

  /** A compact size in its shortest form, at most `max`. */
  compactSize(max = maxCompactSize): number {
    const size = this.#varInt();
    if (size > max) throw malformed(`a size of ${size} exceeds ${max}`);
    return size;
  }

  /** A compact size that announces elements of at least `elementBytes` bytes each, so never more than can follow. */
  count(elementBytes = 1): number {
    const count = this.compactSize();
    if (count * elementBytes > this.left) throw malformed(`${count} elements announced, ${this.left} bytes left`);
    return count;
  }

  /** A view of the next `size` bytes. */
  bytes(size: number): Buffer {
    const at = this.#take(size);
    return this.#bytes.subarray(at, at + size);
  }

  hash(): Buffer {
    return this.bytes(32);
  }

  /** Bytes preceded by their compact size. */
  varBytes(max = maxCompactSize): Buffer {
    return this.bytes(this.compactSize(max));
  }

  /** A list preceded by its count; each element takes at least `elementBytes`. */
  list<T>(elementBytes: number, read: () => T): T[] {
    const count = this.count(elementBytes);
    const all: T[] = [];
    for (let i = 0; i < count; i++) all.push(read());
    return all;
  }

  /** What was read since `offset`. */
  since(offset: number): Buffer {
    return this.#bytes.subarray(offset, this.#offset);
  }

  /** Throws unless everything was read. */
  finish(): void {
    if (this.left > 0) throw malformed(`${this.left} bytes too many`);
  }

  #take(size: number): number {
    const at = this.#offset;
    if (size > this.#end - at) throw malformed(`${size} bytes needed at ${at}, ${this.#end - at} left`);
    this.#offset = at + size;
    return at;
  }

  #varInt(): number {
    const first = this.u8();
    if (first < 0xfd) return first;
    const [size, least] =
      first === 0xfd ? [this.u16(), 0xfd] : first === 0xfe ? [this.u32(), 0x10000] : [this.#u64Size(), 0x100000000];
    if (size < least) throw malformed("non-canonical compact size");
    return size;
  }

  #u64Size(): number {
    const size = Number(this.u64());
    if (!Number.isSafeInteger(size)) throw malformed("a size is beyond 2^53");
    return size;
  }
}

export const compactSizeLength = (size: number): number =>
  size < 0xfd ? 1 : size <= 0xffff ? 3 : size <= 0xffffffff ? 5 : 9;

/** Grows as needed; `take()` ends it. */
export class ByteWriter {
  #bytes: Buffer;
  #offset = 0;

  /** Begins with room for so many bytes, or in the memory given. */
  constructor(room: number | Buffer = 256) {
    this.#bytes = typeof room === "number" ? Buffer.allocUnsafe(Math.max(room, 16)) : room;
  }

  get length(): number {
    return this.#offset;
  }

  u8(value: number): this {
    // Room first: making it may exchange the buffer.
    const at = this.#room(1);
    this.#bytes[at] = value;
    return this;
  }

  u16(value: number): this {
    const at = this.#room(2);
    this.#bytes.writeUInt16LE(value, at);
    return this;
  }

  /** Big-endian, for the ports of the peer protocol. */
  u16be(value: number): this {
    const at = this.#room(2);
    this.#bytes.writeUInt16BE(value, at);
    return this;
  }

  u32(value: number): this {
    const at = this.#room(4);
    this.#bytes.writeUInt32LE(value, at);
    return this;
  }

  i32(value: number): this {
    const at = this.#room(4);
    this.#bytes.writeInt32LE(value, at);
    return this;
  }

  u64(value: bigint): this {
    const at = this.#room(8);
    this.#bytes.writeBigUInt64LE(value, at);
    return this;
  }

  /** A signed 64-bit integer from a safe integer. */
  i64(value: number): this {
    const at = this.#room(8);
    this.#bytes.writeUInt32LE(value >>> 0, at);
    this.#bytes.writeInt32LE(Math.floor(value / 0x100000000), at + 4);
    return this;
  }

  compactSize(size: number): this {
    if (size < 0xfd) return this.u8(size);
    if (size <= 0xffff) return this.u8(0xfd).u16(size);
    if (size <= 0xffffffff) return this.u8(0xfe).u32(size);
    return this.u8(0xff).u64(BigInt(size));
  }

  bytes(value: Uint8Array): this {
    const at = this.#room(value.length);
    this.#bytes.set(value, at);
    return this;
  }

  /** Bytes of a larger buffer, without a view of them in between. */
  copy(source: Buffer, from: number, to: number): this {
    const at = this.#room(to - from);
    source.copy(this.#bytes, at, from, to);
    return this;
  }

  varBytes(value: Uint8Array): this {
    return this.compactSize(value.length).bytes(value);
  }

  list<T>(all: readonly T[], write: (element: T) => void): this {
    this.compactSize(all.length);
    for (const element of all) write(element);
    return this;
  }

  /** What was written; the writer is not used any more afterwards. */
  take(): Buffer {
    return this.#bytes.subarray(0, this.#offset);
  }

  #room(size: number): number {
    const at = this.#offset;
    this.#offset = at + size;
    if (this.#offset > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#offset, this.#bytes.length * 2));
      this.#bytes.copy(larger, 0, 0, at);
      this.#bytes = larger;
    }
    return at;
  }
}
