import { describe, expect, it } from "vitest";
import { ByteReader, ByteWriter } from "../../src/primitives/bytes.ts";

describe("a writer", () => {
  /** Every kind of value, each once, and what reads it again. */
  const values: readonly (readonly [(writer: ByteWriter) => unknown, (reader: ByteReader) => unknown, unknown])[] = [
    [(w) => w.u8(0xfe), (r) => r.u8(), 0xfe],
    [(w) => w.u16(0xfffe), (r) => r.u16(), 0xfffe],
    [(w) => w.u32(0xfffffffe), (r) => r.u32(), 0xfffffffe],
    [(w) => w.i32(-2), (r) => r.i32(), -2],
    [(w) => w.u64(2n ** 64n - 2n), (r) => r.u64(), 2n ** 64n - 2n],
    [(w) => w.i64(-2_100_000_000_000_000), (r) => r.i64(), -2_100_000_000_000_000],
    [(w) => w.compactSize(0x10000), (r) => r.compactSize(), 0x10000],
    [(w) => w.varBytes(Buffer.from("abc")), (r) => r.varBytes().toString(), "abc"],
  ];

  it("grows at any byte of any value without losing one", () => {
    for (let lead = 0; lead <= 64; lead++) {
      for (const [write, read, value] of values) {
        const writer = new ByteWriter(16);
        for (let i = 0; i < lead; i++) writer.u8(i);
        write(writer);
        writer.u8(0x77);
        const reader = new ByteReader(writer.take());
        for (let i = 0; i < lead; i++) expect(reader.u8()).toBe(i);
        expect(read(reader)).toEqual(value);
        expect([reader.u8(), reader.left]).toEqual([0x77, 0]);
      }
    }
  });

  it("takes at once what is longer than all it has", () => {
    const long = Buffer.alloc(100_000, 5);
    expect(new ByteWriter(1).u8(1).bytes(long).take()).toEqual(Buffer.concat([Buffer.from([1]), long]));
  });

  it("writes into the memory given as long as that is enough", () => {
    const memory = Buffer.alloc(4);
    expect(new ByteWriter(memory).u32(7).take().buffer).toBe(memory.buffer);
    const grown = new ByteWriter(memory).u32(8).u8(9);
    expect([grown.length, grown.take()]).toEqual([5, Buffer.from([8, 0, 0, 0, 9])]);
  });
});
