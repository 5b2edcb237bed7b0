/**
 * The inner loop of mining, as a WebAssembly function written here instruction by instruction: SHA-256d of four headers at once, one in each
 * lane of a 128-bit vector, that differ in the nonce alone.
 *
 * What makes it fast, beside the four lanes: the first chunk of a header has no nonce in it (its state, the midstate, is given), nor have
 * the first three rounds of the second; words of padding are constants and fold away; of the second hash only the word that can tell
 * a hit is finished, three rounds early. A hit here is a hash whose highest 32 bits are at most the target's: the caller checks the rest.
 */
import { assemble, op } from "./assembler.ts";
import { INITIAL_STATE, ROUND_CONSTANTS, smallSigma0, smallSigma1 } from "./sha256.ts";

/** Where the caller puts what it knows, in bytes: 32-bit words in the machine's order (little endian). */
export const LAYOUT = {
  /** State after the header's first 64 bytes, 8 words. */
  midstate: 0,
  /** Working variables after three rounds of the second chunk, 8 words. */
  advanced: 32,
  /** The second chunk's first three message words: rest of the merkle root, time, bits. */
  words: 64,
  /** The target's highest 32 bits. */
  targetTop: 76,
} as const;

/** A message word: known while the kernel is written, or in a local of the function. */
type Word = { readonly constant: number } | { readonly local: number };

const NONCES_PER_STEP = 4;
const PARAMETERS = { start: 0, count: 1 } as const;
const STEP = 2;
const FIRST_VECTOR = 3;
/** a..h, the sixteen message words, scratch. */
const VARIABLES = FIRST_VECTOR;
const MESSAGE = VARIABLES + 8;
const T1 = MESSAGE + 16;
const PREVIOUS_XOR = T1 + 1;
const CURRENT_XOR = T1 + 2;
const VECTORS = CURRENT_XOR + 1 - FIRST_VECTOR;

const get = op.getLocal;
const set = op.setLocal;
const splat = (value: number): number[] => op.lanes(value, value, value, value);

const rotated = (local: number, by: number): number[] => [
  ...[...get(local), ...op.i32(by), ...op.shiftRight],
  ...[...get(local), ...op.i32(32 - by), ...op.shiftLeft, ...op.or],
];
const xored = (...parts: readonly (readonly number[])[]): number[] =>
  parts.flatMap((part, i) => (i === 0 ? [...part] : [...part, ...op.xor]));
const shifted = (local: number, by: number): number[] => [...get(local), ...op.i32(by), ...op.shiftRight];

/** The sum of the words, constants added up beforehand; undefined terms have no part in it. */
function sum(constant: number, parts: readonly (readonly number[])[]): number[] {
  const terms = constant === 0 && parts.length > 0 ? parts : [...parts, splat(constant)];
  return terms.flatMap((part, i) => (i === 0 ? [...part] : [...part, ...op.add]));
}

const expansion = [
  { back: 16, known: (x: number) => x, code: (local: number) => get(local) },
  {
    back: 15,
    known: smallSigma0,
    code: (local: number) => xored(rotated(local, 7), rotated(local, 18), shifted(local, 3)),
  },
  { back: 7, known: (x: number) => x, code: (local: number) => get(local) },
  {
    back: 2,
    known: smallSigma1,
    code: (local: number) => xored(rotated(local, 17), rotated(local, 19), shifted(local, 10)),
  },
] as const;

/** Writes the code of word t >= 16 of the message schedule; it takes the local of word t - 16. */
function expand(words: Word[], t: number, code: number[]): Word {
  let constant = 0;
  const parts: number[][] = [];
  for (const { back, known, code: codeOf } of expansion) {
    const word = words[t - back]!;
    if ("constant" in word) constant = (constant + known(word.constant)) | 0;
    else parts.push(codeOf(word.local));
  }
  if (parts.length === 0) return { constant };
  const local = MESSAGE + (t % 16);
  push(code, sum(constant, parts), set(local));
  return { local };
}

function push(code: number[], ...parts: readonly (readonly number[])[]): void {
  for (const part of parts) for (const byte of part) code.push(byte);
}

/** Rounds `from` to `to`. Variables are renamed rather than moved: the result is the locals that hold a..h afterwards. */
function rounds(code: number[], message: readonly Word[], from: number, to: number): number[] {
  const words = [...message];
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = Array.from({ length: 8 }, (_, i) => VARIABLES + i);
  let [before, now] = [PREVIOUS_XOR, CURRENT_XOR];
  push(code, get(b), get(c), op.xor, set(before));
  for (let t = from; t < to; t++) {
    const word = t < 16 ? words[t]! : expand(words, t, code);
    words[t] = word;
    const constant = (ROUND_CONSTANTS[t]! + ("constant" in word ? word.constant : 0)) | 0;
    const parts = [
      get(h),
      xored(rotated(e, 6), rotated(e, 11), rotated(e, 25)),
      [...get(f), ...get(g), ...get(e), ...op.select],
    ];
    if ("local" in word) parts.push(get(word.local));
    push(code, sum(constant, parts), set(T1));
    push(code, get(d), get(T1), op.add, set(d));
    // maj(a, b, c) = b ^ ((a ^ b) & (b ^ c)), and b ^ c is the a ^ b of the round before.
    push(code, get(a), get(b), op.xor, set(now));
    push(code, get(now), get(before), op.and, get(b), op.xor);
    push(code, xored(rotated(a, 2), rotated(a, 13), rotated(a, 22)), op.add, get(T1), op.add, set(h));
    [a, b, c, d, e, f, g, h] = [h, a, b, c, d, e, f, g];
    [before, now] = [now, before];
  }
  return [a, b, c, d, e, f, g, h];
}

const constants = (values: readonly number[]): Word[] => values.map((constant) => ({ constant }));
const zeros = (count: number): number[] => new Array<number>(count).fill(0);

/** First hash: the header's last 16 bytes and padding. Leaves its result in the first eight message words. */
function firstHash(code: number[]): void {
  for (let i = 0; i < 8; i++) push(code, op.splatFrom(LAYOUT.advanced + 4 * i), set(VARIABLES + i));
  for (let i = 0; i < 3; i++) push(code, op.splatFrom(LAYOUT.words + 4 * i), set(MESSAGE + i));
  push(code, get(PARAMETERS.start), get(STEP), op.i32Add, op.splat, op.lanes(0, 1, 2, 3), op.add);
  push(code, op.byteOrder, op.swapBytes, set(MESSAGE + 3));
  const given = [0, 1, 2, 3].map((i) => ({ local: MESSAGE + i }));
  const after = rounds(code, [...given, ...constants([0x8000_0000 | 0, ...zeros(10), 640])], 3, 64);
  for (const [i, local] of after.entries()) {
    push(code, get(local), op.splatFrom(LAYOUT.midstate + 4 * i), op.add, set(MESSAGE + i));
  }
}

/** Second hash, up to the word that holds the number's highest 32 bits, which it leaves on the stack. */
function secondHash(code: number[]): void {
  for (const [i, word] of INITIAL_STATE.entries()) push(code, splat(word), set(VARIABLES + i));
  const given = [0, 1, 2, 3, 4, 5, 6, 7].map((i) => ({ local: MESSAGE + i }));
  const after = rounds(code, [...given, ...constants([0x8000_0000 | 0, ...zeros(6), 256])], 0, 61);
  // What is e now would move on to h in the last three rounds.
  push(code, get(after[4]!), splat(INITIAL_STATE[7]!), op.add, op.byteOrder, op.swapBytes);
}

/**
 * `scan(start, count)`: tries `count` nonces from `start`, four a step (so up to three more). Returns how far from `start` the first
 * four with a hit begin, or -1.
 */
export function kernelModule(): Uint8Array<ArrayBuffer> {
  const code: number[] = [];
  push(code, op.loop);
  firstHash(code);
  secondHash(code);
  push(code, op.splatFrom(LAYOUT.targetTop), op.lessOrEqualUnsigned, op.anyTrue, op.if, get(STEP), op.return, op.end);
  push(code, get(STEP), op.i32(NONCES_PER_STEP), op.i32Add, set(STEP));
  push(code, get(STEP), get(PARAMETERS.count), op.i32LessUnsigned, op.branchIf(0), op.end, op.i32(-1));
  return assemble(code, { i32: 1, v128: VECTORS });
}
