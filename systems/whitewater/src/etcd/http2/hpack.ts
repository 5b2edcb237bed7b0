/** HPACK (RFC 7541): reads what clients compress; what we send needs no state and is written plainly. */
import { HpackError } from "./hpack-error.ts";
import { decodeHuffman } from "./huffman.ts";

type Header = readonly [name: string, value: string];

/** Appendix A. */
const fixed: readonly Header[] = [
  [":authority", ""],
  [":method", "GET"],
  [":method", "POST"],
  [":path", "/"],
  [":path", "/index.html"],
  [":scheme", "http"],
  [":scheme", "https"],
  [":status", "200"],
  [":status", "204"],
  [":status", "206"],
  [":status", "304"],
  [":status", "400"],
  [":status", "404"],
  [":status", "500"],
  ["accept-charset", ""],
  ["accept-encoding", "gzip, deflate"],
  ...(
    "accept-language accept-ranges accept access-control-allow-origin age allow authorization cache-control content-disposition " +
    "content-encoding content-language content-length content-location content-range content-type cookie date etag expect expires from " +
    "host if-match if-modified-since if-none-match if-range if-unmodified-since last-modified link location max-forwards " +
    "proxy-authenticate proxy-authorization range referer refresh retry-after server set-cookie strict-transport-security " +
    "transfer-encoding user-agent vary via www-authenticate"
  )
    .split(" ")
    .map((name): Header => [name, ""]),
];

const tableBytes = 4096;
const overhead = 32;
const sizeOf = ([name, value]: Header): number => name.length + value.length + overhead;

export class HpackDecoder {
  /** Newest first. */
  private readonly table: Header[] = [];
  private used = 0;
  private limit = tableBytes;
  private input: Uint8Array = new Uint8Array();
  private at = 0;

  /** Throws HpackError; headers of more than `maxBytes` in all are too much, though they are read to keep the table right. */
  decode(block: Uint8Array, maxBytes: number): { headers: Map<string, string>; isTooLarge: boolean } {
    this.input = block;
    this.at = 0;
    const headers = new Map<string, string>();
    let size = 0;
    while (this.at < block.length) {
      const header = this.field();
      if (header === undefined) continue;
      size += sizeOf(header);
      if (size <= maxBytes) headers.set(header[0], header[1]);
    }
    return { headers, isTooLarge: size > maxBytes };
  }

  private field(): Header | undefined {
    const first = this.input[this.at]!;
    if (first >= 128) return this.entry(this.int(127));
    if (first >= 64) return this.remember(this.literal(63));
    if (first >= 32) {
      this.resize(this.int(31));
      return undefined;
    }
    return this.literal(15);
  }

  private literal(mask: number): Header {
    const index = this.int(mask);
    const name = index === 0 ? this.text() : this.entry(index)[0];
    return [name, this.text()];
  }

  private entry(index: number): Header {
    const found = index <= fixed.length ? fixed[index - 1] : this.table[index - fixed.length - 1];
    if (found === undefined) throw new HpackError("a header that was never sent");
    return found;
  }

  private remember(header: Header): Header {
    this.table.unshift(header);
    this.used += sizeOf(header);
    this.evict();
    return header;
  }

  private resize(limit: number): void {
    if (limit > tableBytes) throw new HpackError("a header table larger than allowed");
    this.limit = limit;
    this.evict();
  }

  private evict(): void {
    while (this.used > this.limit) this.used -= sizeOf(this.table.pop()!);
  }

  private text(): string {
    const isHuffman = (this.input[this.at] ?? 0) >= 128;
    const length = this.int(127);
    const stop = this.at + length;
    if (stop > this.input.length) throw new HpackError("a header that ends too early");
    const bytes = this.input.subarray(this.at, stop);
    this.at = stop;
    return isHuffman ? decodeHuffman(bytes) : Buffer.from(bytes).toString("latin1");
  }

  private int(mask: number): number {
    const first = this.next() & mask;
    if (first < mask) return first;
    let value = mask;
    for (let shift = 0; shift <= 21; shift += 7) {
      const byte = this.next();
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
    throw new HpackError("a header with a number too large");
  }

  private next(): number {
    if (this.at >= this.input.length) throw new HpackError("a header that ends too early");
    return this.input[this.at++]!;
  }
}

/** Neither compressed nor remembered by the peer. Names and values are short. */
export function encodeHeaders(headers: readonly Header[]): Buffer {
  return Buffer.concat(headers.flatMap(([name, value]) => [Buffer.from([0]), plain(name), plain(value)]));
}

function plain(text: string): Buffer {
  const bytes = Buffer.from(text, "latin1");
  const { length } = bytes;
  if (length < 127) return Buffer.concat([Buffer.from([length]), bytes]);
  const prefix = [127];
  let rest = length - 127;
  for (; rest >= 128; rest = rest >>> 7) prefix.push((rest & 127) | 128);
  prefix.push(rest);
  return Buffer.concat([Buffer.from(prefix), bytes]);
}
