/** The core's messages over wire. */
import { createEndpoint, type WireEndpoint } from "@coracle/wire";
import type { Message } from "../core/messages.ts";
import type { Input } from "../core/types.ts";
import { decodeMessage, encodeMessage } from "./codec.ts";
import { checkBlock } from "./entries.ts";
import type { Payload } from "./machine.ts";
import type { Settings } from "./settings.ts";

type Submit = (input: Input, payload?: Payload) => void;
type TakeStream = (from: string, header: Buffer, chunks: AsyncIterable<Buffer>) => Promise<void>;

export function createTransport(settings: Settings, submit: Submit, stream: TakeStream): WireEndpoint {
  const { id, cluster, host, port, tls, random, limits, logger } = settings;
  return createEndpoint({
    protocol: "lease-log/1",
    cluster,
    id,
    host,
    port,
    tls,
    random,
    limits: { maxFrameBytes: limits.maxCommandBytes + limits.batchBytes + 4096, ...settings.wire },
    handlers: {
      stream,
      message: (from, payload) => receive(from, payload, submit),
      up: (peer) => submit({ type: "peer-up", id: peer }),
      down: (peer, reason) => {
        logger.debug({ peer, reason: reason.message }, "no connection to a peer");
        submit({ type: "peer-down", id: peer });
      },
    },
  });
}

/** Throws WireError `protocol` on bytes that make no sense, which closes the connection. */
function receive(from: string, payload: Buffer, submit: Submit): void {
  const { message, rest } = decodeMessage(payload);
  if (message.type === "append") {
    const count = message.entries.reduce((sum, run) => sum + run.count, 0);
    checkBlock(message.prev.index + 1, count, rest);
  }
  submit({ type: "message", from, message }, { block: rest });
}

/** What can't be sent now is lost: sessions make up for it. Appends go through the feeder. */
export function sendMessage(endpoint: WireEndpoint, to: string, message: Message): void {
  if (message.type !== "append") endpoint.send(to, encodeMessage(message));
}
