/** SipHash-2-4 of 32 bytes, in halves of 32 bits instead of bigints: for each block the whole mempool is hashed, at a microsecond each. */

/** Four words of 64 bits: of each the low half, then the high one. */
type State = Uint32Array;

function add(v: State, a: number, b: number): void {
  const low = (v[a] as number) + (v[b] as number);
  v[a + 1] = (v[a + 1] as number) + (v[b + 1] as number) + (low > 0xffffffff ? 1 : 0);
  v[a] = low;
}

/** Rotates by less than 32 bits, then joins with another word. */
function turn(v: State, a: number, bits: number, b: number): void {
  const [low, high] = [v[a] as number, v[a + 1] as number];
  v[a] = ((low << bits) | (high >>> (32 - bits))) ^ (v[b] as number);
  v[a + 1] = ((high << bits) | (low >>> (32 - bits))) ^ (v[b + 1] as number);
}

/** Rotates by 32 bits. */
function swap(v: State, a: number): void {
  const low = v[a] as number;
  v[a] = v[a + 1] as number;
  v[a + 1] = low;
}

const [v0, v1, v2, v3] = [0, 2, 4, 6] as const;

function round(v: State): void {
  add(v, v0, v1);
  turn(v, v1, 13, v0);
  swap(v, v0);
  add(v, v2, v3);
  turn(v, v3, 16, v2);
  add(v, v0, v3);
  turn(v, v3, 21, v0);
  add(v, v2, v1);
  turn(v, v1, 17, v2);
  swap(v, v2);
}

function mix(v: State, low: number, high: number): void {
  v[v3] = (v[v3] as number) ^ low;
  v[v3 + 1] = (v[v3 + 1] as number) ^ high;
  round(v);
  round(v);
  v[v0] = (v[v0] as number) ^ low;
  v[v0 + 1] = (v[v0 + 1] as number) ^ high;
}

/** "somepseudorandomlygeneratedbytes", as the paper begins. */
const START = [0x70736575, 0x736f6d65, 0x6e646f6d, 0x646f7261, 0x6e657261, 0x6c796765, 0x79746573, 0x74656462] as const;
/** The last word of a message holds its length in the highest byte; 32 bytes leave nothing else for it. */
const LENGTH = 32 << 24;

/** A function that gives the low 48 bits of the hash of 32 bytes under a key of 16. */
export function siphash48(key: Buffer): (bytes: Buffer) => number {
  const keys = [0, 4, 8, 12].map((at) => key.readUInt32LE(at));
  const start = START.map((word, i) => (word ^ (keys[i % 4] as number)) >>> 0);
  const v = new Uint32Array(8);
  return (bytes) => {
    v.set(start);
    for (let at = 0; at < 32; at += 8) mix(v, bytes.readUInt32LE(at), bytes.readUInt32LE(at + 4));
    mix(v, 0, LENGTH);
    v[v2] = (v[v2] as number) ^ 0xff;
    for (let i = 0; i < 4; i++) round(v);
    const half = (of: 0 | 1): number =>
      ((v[v0 + of] as number) ^ (v[v1 + of] as number) ^ (v[v2 + of] as number) ^ (v[v3 + of] as number)) >>> 0;
    return half(0) + (half(1) & 0xffff) * 0x100000000;
  };
}
