/** Name/value blocks: a count, then names and values with four-byte lengths, compressed with one zlib stream per direction. */
import { constants, createDeflate, createInflate, type Deflate, type Inflate } from "node:zlib";
import { StreamError } from "../errors.ts";
import { dictionary } from "./dictionary.ts";

/** Lower-case names. Several values of one name are joined by NUL on the wire; only the first is kept. */
export type Headers = Readonly<Record<string, string>>;

/** Unpacked; a bomb stops here. */
const maxBlockBytes = 64 * 1024;
const maxHeaders = 128;

/** Both directions of one connection. Calls must not overlap within a direction: the compression state is in their order. */
export class HeaderCodec {
  readonly #inflate: Inflate = createInflate({ dictionary });
  readonly #deflate: Deflate = createDeflate({ dictionary });

  /** @throws StreamError Protocol, TooLarge */
  async decode(block: Buffer): Promise<Headers> {
    const bytes = await pass(this.#inflate, block).catch((error: unknown) => {
      if (error instanceof StreamError) throw error;
      throw new StreamError("Protocol", `SPDY header block cannot be unpacked: ${String(error)}`);
    });
    return readBlock(bytes);
  }

  encode(headers: Headers): Promise<Buffer> {
    return pass(this.#deflate, writeBlock(headers));
  }

  close(): void {
    this.#inflate.destroy();
    this.#deflate.destroy();
  }
}

/** All that `codec` makes of `input`, flushed at the end of it. Rejects once the codec has failed or is closed. */
function pass(codec: Inflate | Deflate, input: Buffer): Promise<Buffer> {
  const output: Buffer[] = [];
  let size = 0;
  return new Promise((resolve, reject) => {
    const collect = (chunk: Buffer): void => {
      size += chunk.length;
      if (size > maxBlockBytes)
        codec.destroy(new StreamError("TooLarge", `SPDY headers exceed ${maxBlockBytes} bytes`));
      else output.push(chunk);
    };
    codec.on("data", collect).once("error", reject);
    codec.write(input);
    // A failed codec calls back, too, with an error that says less than its "error" event.
    codec.flush(constants.Z_SYNC_FLUSH, () => {
      codec.off("data", collect);
      if (codec.destroyed) setImmediate(reject, new StreamError("Protocol", "SPDY header compression ended"));
      else codec.off("error", reject);
      if (!codec.destroyed) resolve(Buffer.concat(output));
    });
  });
}

function writeBlock(headers: Headers): Buffer {
  const entries = Object.entries(headers);
  return Buffer.concat([
    uint32(entries.length),
    ...entries.flatMap(([name, value]) => [text(name.toLowerCase()), text(value)]),
  ]);
}

const text = (value: string): Buffer => Buffer.concat([uint32(Buffer.byteLength(value)), Buffer.from(value)]);

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** @throws StreamError Protocol */
export function readBlock(bytes: Buffer): Headers {
  let offset = 0;
  const number = (): number => {
    if (offset + 4 > bytes.length) throw new StreamError("Protocol", "SPDY header block ends early");
    offset += 4;
    return bytes.readUInt32BE(offset - 4);
  };
  const string = (): string => {
    const length = number();
    if (offset + length > bytes.length) throw new StreamError("Protocol", "SPDY header block ends early");
    offset += length;
    return bytes.toString("utf8", offset - length, offset);
  };
  const count = number();
  if (count > maxHeaders) throw new StreamError("TooLarge", `${count} SPDY headers exceed ${maxHeaders}`);
  const entries = Array.from({ length: count }, (): [string, string] => [
    string().toLowerCase(),
    string().split("\0", 1)[0] ?? "",
  ]);
  return Object.fromEntries(entries);
}
