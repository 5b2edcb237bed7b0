/** Two sockets joined into one connection. */
import type { Socket } from "node:net";

/** Carries both directions: `pipe` passes on back-pressure and the end of data; an abort on one side resets the other. */
export function splice(a: Socket, b: Socket): void {
  carry(a, b);
  carry(b, a);
}

function carry(from: Socket, to: Socket): void {
  from.pipe(to);
  from.on("error", () => reset(to));
  from.once("close", () => {
    if (!from.readableEnded || !from.writableFinished) reset(to);
  });
}

/**
 * Ends a socket with RST. Not one whose writing half is ended: Node.js 20 fails to reset while its FIN is under way, and leaves the
 * handle open. Closing it has the kernel answer further data with RST all the same.
 */
export function reset(socket: Socket): void {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}
