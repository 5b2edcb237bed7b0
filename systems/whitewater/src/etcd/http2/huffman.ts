/** HPACK's Huffman code (RFC 7541, appendix B). It is canonical, so that the lengths of the codes are all there is to know. */
import { HpackError } from "./hpack-error.ts";

/** Of the codes of the 256 bytes and of the end, each a digit in base 36. */
const lengths =
  "dnsssssssoussussssssssusssssssss6aacd68baa8b8666555666666678f6ca" +
  "d67777777777777777777777878djde6f56565666577666567655677777fbeds" +
  "kmkkmmmnmnnnnnonoomnonnnnlmnmnnomlkmmnnlnmmolmnnllmlnmnnkmmmnmmn" +
  "qqkjmnmpqqqrrqopjlqrrqrollqqsrrrkoklmllnmmppooqnqrqqrrrrrsrrrrrq" +
  "u";

const end = 256;
/** A tree in two arrays: what follows a 0 and a 1; negative is a symbol's complement. */
const zero: number[] = [0];
const one: number[] = [0];

function plant(): void {
  const symbols = Array.from(lengths, (digit, symbol) => ({ symbol, length: Number.parseInt(digit, 36) }));
  symbols.sort((a, b) => a.length - b.length || a.symbol - b.symbol);
  let code = 0;
  let before = 0;
  for (const { symbol, length } of symbols) {
    code *= 2 ** (length - before);
    before = length;
    insert(code, length, symbol);
    code++;
  }
}

function insert(code: number, length: number, symbol: number): void {
  let node = 0;
  for (let bit = length - 1; bit > 0; bit--) {
    const side = (code >>> bit) & 1 ? one : zero;
    if (side[node] === 0) {
      side[node] = zero.length;
      zero.push(0);
      one.push(0);
    }
    node = side[node]!;
  }
  (code & 1 ? one : zero)[node] = ~symbol;
}

plant();

/** Throws HpackError where the bytes are no text of the code: the padding must be ones, fewer than eight, and the end may not occur. */
export function decodeHuffman(input: Uint8Array): string {
  const bytes: number[] = [];
  let node = 0;
  let ones = 0;
  let depth = 0;
  for (const byte of input) {
    for (let bit = 7; bit >= 0; bit--) {
      const isOne = ((byte >>> bit) & 1) === 1;
      const next = (isOne ? one : zero)[node]!;
      ones = isOne ? ones + 1 : 0;
      depth++;
      if (next >= 0) {
        node = next;
        continue;
      }
      if (~next === end) throw new HpackError("a header's text holds the end");
      bytes.push(~next);
      node = 0;
      depth = 0;
    }
  }
  if (depth > 7 || ones < depth) throw new HpackError("a header's text is badly padded");
  return Buffer.from(bytes).toString("latin1");
}
