import { KubeError } from "./errors.ts";

/** An object in etcd is at most about 1.5 MB; a line longer than this is not one. */
const maxLineBytes = 8 * 1024 * 1024;
const newline = 10;

/** The JSON values of a newline-separated stream. An unfinished last line is dropped: the connection broke in it. */
export async function* jsonLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<unknown> {
  for await (const line of lines(chunks)) if (line.length > 0) yield parseLine(line);
}

function parseLine(line: Buffer): unknown {
  try {
    return JSON.parse(line.toString("utf8"));
  } catch (cause) {
    throw new KubeError("protocol", "watch: a line is not JSON", { cause });
  }
}

/** Bytes up to each newline, without it. Chunks of an unfinished line are joined once, when its end comes. */
async function* lines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let parts: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      parts.push(chunk.subarray(start, end));
      yield Buffer.concat(parts);
      parts = [];
      sizeBytes = 0;
      start = end + 1;
    }
    parts.push(chunk.subarray(start));
    sizeBytes += chunk.length - start;
    if (sizeBytes > maxLineBytes) throw new KubeError("protocol", `watch: a line is longer than ${maxLineBytes} bytes`);
  }
}
