/** A snapshot on a client's connection: bulk strings of any length, and an empty one at the end. */
import type { Socket } from "node:net";
import { drained } from "./drained.ts";

export async function streamSnapshot(socket: Socket, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const chunk of chunks) {
    if (socket.destroyed) return;
    socket.cork();
    socket.write(`$${chunk.length}\r\n`);
    socket.write(chunk);
    socket.write("\r\n");
    socket.uncork();
    if (socket.writableNeedDrain) await drained(socket);
  }
  socket.write("$0\r\n\r\n");
}
