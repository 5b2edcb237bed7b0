/** DNS over TCP: messages behind a two-byte length (RFC 1035 4.2.2, RFC 7766). */
import type { Socket } from "node:net";
import type { Responder } from "./responder.ts";

const idleMs = 10_000;
/** A client that sends without reading is cut off once this much waits for it. */
const maxUnsentBytes = 1 << 20;

/** Answers the queries on `socket`, one after another, until it closes or falls idle. */
export function serveConnection(socket: Socket, respond: Responder): void {
  let pending = Buffer.alloc(0);
  let turn = Promise.resolve();
  const answer = async (query: Buffer): Promise<void> => {
    const reply = await respond(query, "tcp");
    if (reply && socket.writable) socket.write(frame(reply));
    if (socket.writableLength > maxUnsentBytes) socket.destroy();
  };
  socket.setTimeout(idleMs, () => socket.destroy());
  socket.on("error", () => socket.destroy());
  socket.on("data", (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk]);
    const { messages, rest } = split(pending);
    pending = rest;
    socket.pause();
    for (const message of messages) turn = turn.then(() => answer(message));
    turn = turn.then(() => void socket.resume());
  });
}

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

function frame(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}
