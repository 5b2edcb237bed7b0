/** How DNS messages follow one another on TCP: each behind its length in two bytes (RFC 1035 4.2.2). Pure. */

/** Complete messages in `bytes`, and what is left over (less than one message, so at most 64 KiB). */
export function split(bytes: Buffer): { readonly messages: readonly Buffer[]; readonly rest: Buffer<ArrayBuffer> } {
  const messages: Buffer[] = [];
  let offset = 0;
  while (bytes.length - offset >= 2) {
    const end = offset + 2 + bytes.readUInt16BE(offset);
    if (end > bytes.length) break;
    messages.push(bytes.subarray(offset + 2, end));
    offset = end;
  }
  return { messages, rest: Buffer.from(bytes.subarray(offset)) };
}

export function frame(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}
