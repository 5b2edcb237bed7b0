/**
 * exec and attach over WebSocket, `v4.channel.k8s.io` and `v5.channel.k8s.io`: each binary message begins with its channel's
 * number. v5 adds the end of input: a message of 255 and the channel.
 */
import { Readable, Writable } from "node:stream";
import type { WebSocket } from "ws";
import { carry, openSession, readCommandRequest, resize } from "../command.ts";
import type { StreamContext } from "../types.ts";

export const commandProtocols = ["v5.channel.k8s.io", "v4.channel.k8s.io"] as const;

const channel = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;

/** Starts the process, then lets `upgrade` open the WebSocket: what is wrong with the request is still said in HTTP. */
export async function commandOverWebSocket(context: StreamContext, upgrade: () => Promise<WebSocket>): Promise<void> {
  const request = readCommandRequest(context.query);
  const session = await openSession(context, request);
  const socket = await upgrade();
  const stdin = request.stdin ? inputOf(socket) : undefined;
  const stdout = request.stdout ? outputTo(socket, channel.stdout) : undefined;
  const stderr = request.stderr ? outputTo(socket, channel.stderr) : undefined;
  socket.on("message", (message: Buffer) => {
    if (message[0] === channel.resize) resize(session, message.toString("utf8", 1));
  });
  // Tells the client that the other end is there.
  socket.send(Buffer.of(stdout ? channel.stdout : stderr ? channel.stderr : channel.error));
  await carry(session, {
    stdin,
    stdout,
    stderr,
    sendStatus(status) {
      socket.send(Buffer.concat([Buffer.of(channel.error), Buffer.from(JSON.stringify(status))]));
      socket.close(1000);
    },
  });
}

/** Channel 0 as a stream. A reader that falls behind stops the socket; the end of the socket ends the input. */
function inputOf(socket: WebSocket): Readable {
  const input = new Readable({ read: () => socket.resume() });
  socket.on("message", (message: Buffer) => {
    if (input.readableEnded || input.destroyed) return;
    if (message[0] === channel.close && message[1] === channel.stdin) input.push(null);
    else if (message[0] === channel.stdin && message.length > 1 && !input.push(message.subarray(1))) socket.pause();
  });
  socket.once("close", () => input.push(null));
  return input;
}

/** Written bytes as messages of one channel; done when the socket has taken them. */
const outputTo = (socket: WebSocket, number: number): Writable =>
  new Writable({
    write(chunk: Buffer, _encoding, done) {
      socket.send(Buffer.concat([Buffer.of(number), chunk]), done);
    },
  });
