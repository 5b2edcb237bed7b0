import type { Socket } from "node:net";

/** Resolves when the socket has sent what it holds, or is gone. */
export function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off("drain", done).off("close", done);
      resolve();
    };
    if (socket.destroyed || !socket.writableNeedDrain) resolve();
    else socket.on("drain", done).on("close", done);
  });
}
