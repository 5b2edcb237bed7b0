/** The few header blocks that a gRPC server sends, made once. */
import { flag, frame, frameType } from "./frames.ts";
import { encodeHeaders } from "./hpack.ts";

const status = [":status", "200"] as const;
const kind = ["content-type", "application/grpc"] as const;
const openingBlock = frame(frameType.headers, flag.endHeaders, 0, encodeHeaders([status, kind]));
const successBlock = frame(
  frameType.headers,
  flag.endHeaders | flag.endStream,
  0,
  encodeHeaders([["grpc-status", "0"]]),
);

const addressed = (block: Buffer, stream: number): Buffer => {
  const copy = Buffer.from(block);
  copy.writeUInt32BE(stream, 5);
  return copy;
};

export const opening = (stream: number): Buffer => addressed(openingBlock, stream);

/** `isOnly`: nothing was sent before it. */
export function trailers(stream: number, code: number, message: string, isOnly: boolean): Buffer {
  if (code === 0 && !isOnly) return addressed(successBlock, stream);
  const headers = [
    ...(isOnly ? [status, kind] : []),
    ["grpc-status", String(code)] as const,
    ...(message === "" ? [] : [["grpc-message", percent(message)] as const]),
  ];
  return frame(frameType.headers, flag.endHeaders | flag.endStream, stream, encodeHeaders(headers));
}

/** gRPC's percent-encoding of a status message. A long one is cut. */
function percent(message: string): string {
  return Array.from(Buffer.from(message.slice(0, 1000)), (byte) =>
    byte >= 0x20 && byte <= 0x7e && byte !== 0x25
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`,
  ).join("");
}

/** For what is no gRPC: a status of HTTP. */
export const plainReply = (stream: number, code: number): Buffer =>
  frame(frameType.headers, flag.endHeaders | flag.endStream, stream, encodeHeaders([[":status", String(code)]]));
