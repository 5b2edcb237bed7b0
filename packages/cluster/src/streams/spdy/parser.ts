import { StreamError } from "../errors.ts";
import { checkVersion, decodeControl, type Frame, frameHeaderBytes } from "./frames.ts";

/** Control frames carry headers and little else. */
export const maxControlBytes = 64 * 1024;

/**
 * Cuts a byte stream into frames, however it is chunked. Keeps at most one control frame; the payload of DATA frames is passed on
 * as it comes, so a frame of the full 16 MiB costs no memory.
 */
export class FrameParser {
  #pending: Buffer = Buffer.alloc(0);
  /** The DATA frame under way. */
  #data: { readonly streamId: number; readonly fin: boolean; left: number } | undefined;

  /** The frames that `chunk` completes. @throws StreamError Protocol, TooLarge: the connection cannot be used further. */
  *push(chunk: Buffer): Generator<Frame> {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    for (let frame = this.#next(); frame; frame = this.#next()) yield frame;
  }

  #next(): Frame | undefined {
    if (this.#data) return this.#dataPart(this.#data);
    if (this.#pending.length < frameHeaderBytes) return undefined;
    const first = this.#pending.readUInt32BE(0);
    const length = this.#pending.readUIntBE(5, 3);
    const flags = this.#pending.readUInt8(4);
    if ((first & 0x80000000) !== 0) return this.#control(first, flags, length);
    this.#take(frameHeaderBytes);
    this.#data = { streamId: first, fin: (flags & 1) !== 0, left: length };
    return this.#dataPart(this.#data);
  }

  #control(first: number, flags: number, length: number): Frame | undefined {
    checkVersion(first >>> 16);
    if (length > maxControlBytes)
      throw new StreamError("TooLarge", `SPDY control frame of ${length} bytes exceeds ${maxControlBytes}`);
    if (this.#pending.length < frameHeaderBytes + length) return undefined;
    const frame = this.#take(frameHeaderBytes + length);
    return decodeControl(first & 0xffff, flags, frame.subarray(frameHeaderBytes));
  }

  #dataPart(frame: { readonly streamId: number; readonly fin: boolean; left: number }): Frame | undefined {
    if (this.#pending.length === 0 && frame.left > 0) return undefined;
    const data = this.#take(Math.min(frame.left, this.#pending.length));
    frame.left -= data.length;
    const isLast = frame.left === 0;
    if (isLast) this.#data = undefined;
    return { type: "data", streamId: frame.streamId, fin: isLast && frame.fin, data };
  }

  #take(bytes: number): Buffer {
    const taken = this.#pending.subarray(0, bytes);
    this.#pending = this.#pending.subarray(bytes);
    return taken;
  }
}
