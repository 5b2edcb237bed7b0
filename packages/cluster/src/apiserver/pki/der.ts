/** The few forms of ASN.1's DER encoding (ITU-T X.690) that a certificate is made of. */

const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  sequence: 0x30,
  set: 0x31,
} as const;

export function tagged(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([tag]), length(content.length), content]);
}

function length(size: number): Buffer {
  if (size < 0x80) return Buffer.from([size]);
  const bytes = Buffer.from(size.toString(16).padStart(size > 0xffff ? 6 : size > 0xff ? 4 : 2, "0"), "hex");
  return Buffer.from([0x80 | bytes.length, ...bytes]);
}

export const sequence = (...parts: readonly Uint8Array[]): Buffer => tagged(tags.sequence, ...parts);
export const set = (...parts: readonly Uint8Array[]): Buffer => tagged(tags.set, ...parts);
export const octets = (bytes: Uint8Array): Buffer => tagged(tags.octetString, bytes);
export const utf8 = (text: string): Buffer => tagged(tags.utf8String, Buffer.from(text));
export const truth = (): Buffer => tagged(tags.boolean, Buffer.from([0xff]));
/** A positive number; `bytes` begin with a bit that is not set. */
export const integer = (bytes: Uint8Array): Buffer => tagged(tags.integer, bytes);
/** Whole bytes of bits, of which the last `unused` do not count. */
export const bits = (bytes: Uint8Array, unused = 0): Buffer => tagged(tags.bitString, Buffer.from([unused]), bytes);
/** Explicitly tagged with the number of its context. */
export const context = (number: number, ...parts: readonly Uint8Array[]): Buffer => tagged(0xa0 | number, ...parts);

/** An object identifier in dotted form. */
export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  return tagged(tags.oid, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

function base128(value: number): number[] {
  const bytes = [value & 0x7f];
  for (let left = value >> 7; left > 0; left >>= 7) bytes.unshift((left & 0x7f) | 0x80);
  return bytes;
}

/** A time before 2050, in whole seconds. */
export const utcTime = (date: Date): Buffer =>
  tagged(tags.utcTime, Buffer.from(`${date.toISOString().replace(/[-:T]/g, "").slice(2, 14)}Z`));
