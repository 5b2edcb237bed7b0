/** Safe integers in as few bytes as they need: seven bits a byte, lowest first (LEB128). */

export interface Cursor {
  offset: number;
}

export function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) length++;
  return length;
}

/** Returns the offset behind it. */
export function writeVarint(bytes: Buffer, value: number, offset: number): number {
  let at = offset;
  let rest = value;
  while (rest >= 0x80) {
    bytes[at++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  bytes[at++] = rest;
  return at;
}

/** NaN where the bytes end too early or the number is none: every caller compares or checks afterwards. */
export function readVarint(bytes: Buffer, cursor: Cursor): number {
  let value = 0;
  let scale = 1;
  for (;;) {
    const byte = bytes[cursor.offset++];
    if (byte === undefined || scale > Number.MAX_SAFE_INTEGER) return Number.NaN;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return value;
    scale *= 0x80;
  }
}
