/** Just enough of WebAssembly's binary format (core specification, chapter 5, with the vector instructions) to write one function into a module. */

const I32 = 0x7f;
const V128 = 0x7b;

/** Unsigned LEB128. */
function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value >>> 0;
  do {
    const low = rest & 0x7f;
    rest >>>= 7;
    bytes.push(rest ? low | 0x80 : low);
  } while (rest);
  return bytes;
}

function signed(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value | 0; ; ) {
    const low = rest & 0x7f;
    rest >>= 7;
    const isLast = (rest === 0 && !(low & 0x40)) || (rest === -1 && low & 0x40);
    bytes.push(isLast ? low : low | 0x80);
    if (isLast) return bytes;
  }
}

const vector = (items: readonly (readonly number[])[]): number[] => [...unsigned(items.length), ...items.flat()];
const section = (id: number, content: readonly number[]): number[] => [id, ...unsigned(content.length), ...content];
const name = (text: string): number[] => [...unsigned(text.length), ...Buffer.from(text)];
const simd = (code: number, ...rest: number[]): number[] => [0xfd, ...unsigned(code), ...rest];
const memoryArgument = (offset: number, alignment: number): number[] => [alignment, ...unsigned(offset)];

/** Instructions as bytes. */
export const op = {
  getLocal: (index: number) => [0x20, ...unsigned(index)],
  setLocal: (index: number) => [0x21, ...unsigned(index)],
  i32: (value: number) => [0x41, ...signed(value)],
  i32Add: [0x6a],
  i32LessUnsigned: [0x49],
  block: [0x02, 0x40],
  loop: [0x03, 0x40],
  if: [0x04, 0x40],
  end: [0x0b],
  branchIf: (depth: number) => [0x0d, ...unsigned(depth)],
  return: [0x0f],
  /** The 32-bit word at a fixed address, in all four lanes. */
  splatFrom: (address: number) => [...op.i32(0), ...simd(9, ...memoryArgument(address, 2))],
  splat: simd(17),
  /** The same constant in all lanes. */
  lanes: (...values: [number, number, number, number]) => {
    const bytes = Buffer.alloc(16);
    for (const [i, value] of values.entries()) bytes.writeInt32LE(value | 0, 4 * i);
    return simd(12, ...bytes);
  },
  /** Reverses the bytes of each lane: shuffles one operand with itself. */
  swapBytes: simd(14),
  byteOrder: simd(12, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12),
  and: simd(78),
  xor: simd(81),
  or: simd(80),
  /** Bits of the first operand where the third has ones, else of the second. */
  select: simd(82),
  anyTrue: simd(83),
  shiftLeft: simd(171),
  shiftRight: simd(173),
  add: simd(174),
  lessOrEqualUnsigned: simd(62),
} as const;

/** A module that exports its one-page `memory` and a function `scan(i32, i32) -> i32` of the given body, with these locals behind the parameters. */
export function assemble(
  body: readonly number[],
  locals: { readonly i32: number; readonly v128: number },
): Uint8Array<ArrayBuffer> {
  const declared = vector([
    [...unsigned(locals.i32), I32],
    [...unsigned(locals.v128), V128],
  ]);
  const code = [...declared];
  for (const byte of body) code.push(byte);
  code.push(...op.end);
  const bytes = [
    [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    section(1, vector([[0x60, ...vector([[I32], [I32]]), ...vector([[I32]])]])),
    section(3, vector([[0]])),
    section(5, vector([[0x00, 0x01]])),
    section(
      7,
      vector([
        [...name("memory"), 0x02, 0x00],
        [...name("scan"), 0x00, 0x00],
      ]),
    ),
    [
      10,
      ...unsigned(unsigned(1).length + unsigned(code.length).length + code.length),
      ...unsigned(1),
      ...unsigned(code.length),
    ],
    code,
  ];
  return Uint8Array.from(bytes.flat());
}
