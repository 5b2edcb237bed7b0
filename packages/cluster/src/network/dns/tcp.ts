/** DNS over TCP (RFC 7766). */
import type { Socket } from "node:net";
import { frame, split } from "./framing.ts";
import type { Responder } from "./responder.ts";

const idleMs = 10_000;
/** A client that sends without reading is cut off once this much waits for it. */
const maxUnsentBytes = 1 << 20;

/** Answers the queries on `socket`, one after another, until it closes or falls idle. */
export function serveConnection(socket: Socket, respond: Responder): void {
  let pending = Buffer.alloc(0);
  let turn = Promise.resolve();
  const answer = async (query: Buffer): Promise<void> => {
    const reply = await respond(query, "tcp", socket.remoteAddress ?? "");
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
