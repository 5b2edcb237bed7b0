/** Messages to and from frames. */
import { messageOf } from "../../errors.ts";
import { ByteReader, ByteWriter } from "../../primitives/bytes.ts";
import { P2pError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { codecOf } from "./codecs.ts";
import { encodeFrame, type Frame, FrameDecoder } from "./frame.ts";
import type { Message } from "./types.ts";

/** Longest payload of a command that this node does not know. It is read and thrown away. */
const UNKNOWN_BYTES = LIMITS.payloadBytes;

export const messageDecoder = (magic: Buffer): FrameDecoder =>
  new FrameDecoder(magic, (command) => codecOf(command)?.maxBytes ?? UNKNOWN_BYTES);

/** Undefined for an unknown command. Throws P2pError `malformed` or `misbehaving`. */
export function decodeMessage({ command, payload }: Frame): Message | undefined {
  const codec = codecOf(command);
  if (codec === undefined) return undefined;
  try {
    return { command, ...codec.read(new ByteReader(payload)) } as Message;
  } catch (cause) {
    const code = cause instanceof P2pError ? cause.code : "malformed";
    throw new P2pError(code, `${command}: ${messageOf(cause)}`, { cause });
  }
}

export const encodeMessage = (magic: Buffer, message: Message): Buffer =>
  encodeFrame(magic, message.command, encodePayload(message));

export function encodePayload(message: Message): Buffer {
  const writer = new ByteWriter();
  codecOf(message.command)?.write(writer, message);
  return writer.take();
}
