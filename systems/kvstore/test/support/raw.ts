/** A bare client: writes bytes, collects what comes back. */
import { connect } from "node:net";

/** Sends the bytes, in one write per piece, and resolves with everything answered until the server ends the connection. */
export function talk(port: number, ...pieces: readonly (string | Uint8Array)[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    let answer = "";
    socket.setEncoding("latin1");
    socket.on("data", (text) => {
      answer += text;
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(answer));
    void (async () => {
      for (const piece of pieces) {
        socket.write(piece);
        await new Promise((next) => setImmediate(next));
      }
    })();
  });
}

/** A command as Redis' clients send it. */
export function resp(...words: readonly (string | Uint8Array)[]): Buffer {
  const parts = words.map((word) => {
    const bytes = Buffer.from(word as string, "latin1");
    return Buffer.concat([Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from("\r\n")]);
  });
  return Buffer.concat([Buffer.from(`*${words.length}\r\n`), ...parts]);
}
