/**
 * Frames: 4 bytes of the network's magic, 12 of the command, 4 of the length, 4 of the checksum, then the payload.
 *
 * The length is believed only up to the bound of its command, and room is taken as bytes come in, so that a header of 24 bytes can't make
 * this node reserve megabytes.
 */
import { sha256d } from "../../primitives/hash.ts";
import { P2pError } from "../errors.ts";
import { LIMITS } from "../limits.ts";

const HEADER_BYTES = 24;
const COMMAND_BYTES = 12;

export interface Frame {
  readonly command: string;
  readonly payload: Buffer;
}

export function encodeFrame(magic: Buffer, command: string, payload: Buffer): Buffer {
  const frame = Buffer.alloc(HEADER_BYTES + payload.length);
  magic.copy(frame, 0);
  frame.write(command, 4, COMMAND_BYTES, "latin1");
  frame.writeUInt32LE(payload.length, 16);
  sha256d(payload).copy(frame, 20, 0, 4);
  payload.copy(frame, HEADER_BYTES);
  return frame;
}

interface Announced {
  readonly command: string;
  readonly checksum: Buffer;
}

/** Cuts a stream into frames. After it has thrown it is of no use any more. */
export class FrameDecoder {
  readonly #magic: Buffer;
  readonly #limitOf: (command: string) => number;
  /** What came and was not handed out is at `#start`, `#held` bytes long. Bytes before it belong to frames and are never written to again. */
  #buffer: Buffer = Buffer.alloc(0);
  #start = 0;
  #held = 0;
  #wanted = HEADER_BYTES;
  #header: Announced | undefined;

  /** `limitOf` tells the longest payload of a command. */
  constructor(magic: Buffer, limitOf: (command: string) => number = () => LIMITS.payloadBytes) {
    this.#magic = magic;
    this.#limitOf = limitOf;
  }

  /** Bytes kept until the rest comes: less than one frame. */
  get heldBytes(): number {
    return this.#held;
  }

  /** The frames that `chunk` completes. Throws P2pError `malformed`. */
  *push(chunk: Buffer): Generator<Frame> {
    this.#append(chunk);
    while (this.#held >= this.#wanted) {
      const bytes = this.#take(this.#wanted);
      if (this.#header === undefined) this.#begin(bytes);
      else yield this.#end(this.#header, bytes);
    }
  }

  #begin(bytes: Buffer): void {
    if (!bytes.subarray(0, 4).equals(this.#magic))
      throw new P2pError("unsuitable", "the peer speaks for another network");
    const command = commandOf(bytes.subarray(4, 4 + COMMAND_BYTES));
    const length = bytes.readUInt32LE(16);
    const limit = Math.min(LIMITS.payloadBytes, this.#limitOf(command));
    if (length > limit) throw new P2pError("malformed", `${command}: ${length} bytes, ${limit} are the most`);
    this.#header = { command, checksum: Buffer.from(bytes.subarray(20, 24)) };
    this.#wanted = length;
  }

  #end({ command, checksum }: Announced, payload: Buffer): Frame {
    this.#header = undefined;
    this.#wanted = HEADER_BYTES;
    if (!sha256d(payload).subarray(0, 4).equals(checksum))
      throw new P2pError("malformed", `${command}: wrong checksum`);
    // A small part kept for long, such as a transaction, must not keep the whole chunk in memory.
    return { command, payload: 2 * payload.length < this.#buffer.length ? Buffer.from(payload) : payload };
  }

  /** Grows by doubling: a payload that comes byte by byte costs no more than one that comes at once. */
  #append(chunk: Buffer): void {
    if (this.#held === 0) {
      this.#buffer = chunk;
      this.#start = 0;
    } else {
      const end = this.#start + this.#held;
      if (end + chunk.length > this.#buffer.length) this.#grow(this.#held + chunk.length);
      chunk.copy(this.#buffer, this.#start + this.#held);
    }
    this.#held += chunk.length;
  }

  #grow(size: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(size, 2 * this.#held));
    this.#buffer.copy(larger, 0, this.#start, this.#start + this.#held);
    this.#buffer = larger;
    this.#start = 0;
  }

  #take(size: number): Buffer {
    const taken = this.#buffer.subarray(this.#start, this.#start + size);
    this.#start += size;
    this.#held -= size;
    return taken;
  }
}

/** Letters, then only zeros. */
function commandOf(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  const text = bytes.toString("latin1", 0, end < 0 ? COMMAND_BYTES : end);
  const isPadded = end < 0 || bytes.subarray(end).every((byte) => byte === 0);
  if (!isPadded || !/^[ -~]+$/.test(text)) throw new P2pError("malformed", "a command that is none");
  return text;
}
