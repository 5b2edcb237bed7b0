/** Keys are bytes; here they are strings of one character per byte, which compare and hash as the bytes do, and cost no object each. */

/** The key for text (as UTF-8) or bytes. */
export const keyOf = (key: string | Uint8Array): string =>
  (typeof key === "string" ? Buffer.from(key) : Buffer.from(key.buffer, key.byteOffset, key.byteLength)).toString(
    "latin1",
  );

export const bytesOfKey = (key: string): Buffer => Buffer.from(key, "latin1");

/** A key as text; bytes that are no UTF-8 become U+FFFD. */
export const textOfKey = (key: string): string => bytesOfKey(key).toString();

/** The end of the range of all keys that start with `prefix`: `\0`, "to the last key", where there is no greater prefix. */
export function prefixEnd(prefix: string): string {
  for (let at = prefix.length - 1; at >= 0; at--) {
    const code = prefix.charCodeAt(at);
    if (code < 0xff) return prefix.slice(0, at) + String.fromCharCode(code + 1);
  }
  return "\0";
}
