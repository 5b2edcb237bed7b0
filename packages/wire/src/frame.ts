/**
 * Frames: `length u32 | type u8 | channel u32 | payload`, big-endian; `length` counts what follows it. `channel` numbers a request or a stream
 * of whoever began it, 0 otherwise. Several payload parts are written without being joined.
 */
import { WireError } from "./errors.ts";

export const FrameType = {
  hello: 0,
  welcome: 1,
  refuse: 2,
  ping: 3,
  pong: 4,
  message: 5,
  request: 6,
  response: 7,
  failure: 8,
  cancel: 9,
  streamOpen: 10,
  streamData: 11,
  streamEnd: 12,
  /** By the receiver: so many more bytes may come. */
  streamCredit: 13,
  /** By the receiver: all was taken (empty), or the reason why not. */
  streamResult: 14,
  /** By the sender: the rest will not come. */
  streamAbort: 15,
} as const;
export type FrameType = (typeof FrameType)[keyof typeof FrameType];

export interface Frame {
  readonly type: number;
  readonly channel: number;
  readonly payload: Buffer;
}

export const FRAME_HEADER_BYTES = 9;
const AFTER_LENGTH = 5;

export function frameHeader(type: FrameType, channel: number, payloadBytes: number): Buffer {
  const header = Buffer.allocUnsafe(FRAME_HEADER_BYTES);
  header.writeUInt32BE(AFTER_LENGTH + payloadBytes, 0);
  header[4] = type;
  header.writeUInt32BE(channel, 5);
  return header;
}

/**
 * Cuts a byte stream into frames. Payloads are views of the chunks given when a frame lies within one, so chunks must not be reused.
 * Invariant: it never holds more than one frame's bytes, and refuses a frame longer than `maxFrameBytes` before it buffers it.
 */
export class FrameParser {
  readonly #maxFrameBytes: () => number;
  #rest: Buffer = Buffer.alloc(0);
  /** A frame that spans chunks: its buffer, and how much of it is there. */
  #partial: Buffer | undefined;
  #filled = 0;

  /** `maxFrameBytes` is asked per frame: it is small until the handshake is done. */
  constructor(maxFrameBytes: () => number) {
    this.#maxFrameBytes = maxFrameBytes;
  }

  /** Hands each complete frame to `take`. Throws WireError `protocol`; the parser is of no use after that. */
  push(chunk: Buffer, take: (frame: Frame) => void): void {
    let at = this.#partial ? this.#fill(chunk, take) : 0;
    let data = chunk;
    if (this.#rest.length > 0) {
      data = Buffer.concat([this.#rest, chunk]);
      this.#rest = Buffer.alloc(0);
      at = 0;
    }
    while (data.length - at >= 4) {
      const end = at + 4 + this.#checkedLength(data.readUInt32BE(at));
      if (end > data.length) {
        this.#begin(data.subarray(at), end - at);
        return;
      }
      take(decode(data.subarray(at + 4, end)));
      at = end;
    }
    if (at < data.length) this.#rest = Buffer.from(data.subarray(at));
  }

  #checkedLength(length: number): number {
    const max = this.#maxFrameBytes();
    if (length < AFTER_LENGTH) throw new WireError("protocol", `a frame of ${length} bytes is too short`);
    if (length > max) throw new WireError("protocol", `a frame of ${length} bytes is longer than the limit of ${max}`);
    return length;
  }

  #begin(start: Buffer, frameBytes: number): void {
    this.#partial = Buffer.allocUnsafe(frameBytes);
    this.#filled = start.copy(this.#partial);
  }

  /** Returns how much of the chunk the unfinished frame took. */
  #fill(chunk: Buffer, take: (frame: Frame) => void): number {
    const partial = this.#partial as Buffer;
    const taken = chunk.copy(partial, this.#filled);
    this.#filled += taken;
    if (this.#filled === partial.length) {
      this.#partial = undefined;
      take(decode(partial.subarray(4)));
    }
    return taken;
  }
}

function decode(body: Buffer): Frame {
  return { type: body[0] as number, channel: body.readUInt32BE(1), payload: body.subarray(AFTER_LENGTH) };
}
