/** Streams into pods without what they take (WebSockets, SPDY): that is loaded with the first of them, which spares every start. */
import type { PodStream } from "./types.ts";

/** As `handlePodStream`: never throws, owns the socket. */
export function loadPodStream(stream: PodStream): void {
  const { socket } = stream;
  socket.on("error", () => socket.destroy());
  import("./pod-stream.ts").then(
    ({ handlePodStream }) => {
      if (!socket.destroyed) handlePodStream(stream);
    },
    (error: Error) => socket.destroy(error),
  );
}
