/** Header blocks, which may come in several frames with nothing between them. */
import { Fault } from "./fault.ts";
import { flag, frameType, http2Error } from "./frames.ts";

export interface HeaderBlock {
  readonly stream: number;
  readonly flags: number;
  readonly bytes: Buffer;
}

const mostParts = 16;

export class HeaderBlocks {
  private readonly maxBytes: number;
  private open: { stream: number; flags: number; parts: Buffer[]; size: number } | undefined;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  /** Throws Fault when another frame comes in the middle of a block. */
  checkOrder(type: number, stream: number): void {
    const expectsMore = this.open !== undefined;
    if (expectsMore !== (type === frameType.continuation)) throw new Fault(http2Error.protocol);
    if (expectsMore && stream !== this.open?.stream) throw new Fault(http2Error.protocol);
  }

  /** The block once it is whole. A client may not make us keep one without end, nor one of endless empty parts. */
  add(type: number, flags: number, stream: number, payload: Buffer): HeaderBlock | undefined {
    if (type === frameType.headers) this.begin(flags, stream, payload);
    const block = this.open!;
    if (type === frameType.continuation) block.parts.push(payload);
    block.size += payload.length;
    if (block.size > this.maxBytes || block.parts.length > mostParts) throw new Fault(http2Error.calm);
    if ((flags & flag.endHeaders) === 0) return undefined;
    this.open = undefined;
    const { parts } = block;
    return { stream, flags: block.flags, bytes: parts.length === 1 ? parts[0]! : Buffer.concat(parts) };
  }

  private begin(flags: number, stream: number, payload: Buffer): void {
    if (stream % 2 === 0) throw new Fault(http2Error.protocol);
    const content = unpadded(flags, payload);
    this.open = { stream, flags, parts: [(flags & flag.priority) === 0 ? content : content.subarray(5)], size: 0 };
  }
}

export function unpadded(flags: number, payload: Buffer): Buffer {
  if ((flags & flag.padded) === 0) return payload;
  const padding = payload[0] ?? 0;
  if (padding >= payload.length) throw new Fault(http2Error.protocol);
  return payload.subarray(1, payload.length - padding);
}
