/**
 * The snapshot file: a head line, one line per object, and a last line with the digest of all before it. Written beside the old one and
 * renamed over it, so that at any moment there is one whole snapshot or none.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import type { ApiObject, Stored } from "../types.ts";
import { parseObject, unreadable } from "./codec.ts";

export interface SnapshotEntry {
  readonly resource: string;
  readonly json: Buffer;
}

const format = 1;
const chunkBytes = 1 << 20;
const endMark = "end ";

/** Durable when it resolves. Returns the file's size. */
export async function writeSnapshot(path: string, version: number, entries: Iterable<SnapshotEntry>): Promise<number> {
  const temporary = `${path}.tmp`;
  try {
    const file = await open(temporary, "w", 0o600);
    const size = await fillFile(file, version, entries).finally(() => file.close());
    await rename(temporary, path);
    await syncFolder(dirname(path));
    return size;
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

async function fillFile(file: FileHandle, version: number, entries: Iterable<SnapshotEntry>): Promise<number> {
  const digest = createHash("sha256");
  let size = 0;
  for (const chunk of chunksOf(version, entries)) {
    digest.update(chunk);
    size += (await file.write(chunk)).bytesWritten;
  }
  await file.write(`${endMark}${digest.digest("hex")}\n`);
  await file.sync();
  return size;
}

function* chunksOf(version: number, entries: Iterable<SnapshotEntry>): Generator<Buffer> {
  let parts: Buffer[] = [Buffer.from(`${JSON.stringify({ format, resourceVersion: version })}\n`)];
  let size = 0;
  for (const { resource, json } of entries) {
    parts.push(Buffer.from(`${resource}\t`), json, lineEnd);
    size += json.length;
    if (size < chunkBytes) continue;
    yield Buffer.concat(parts);
    parts = [];
    size = 0;
  }
  yield Buffer.concat(parts);
}

const newline = 0x0a;
const lineEnd = Buffer.from([newline]);

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  await folder.sync().finally(() => folder.close());
}

export interface SnapshotReader {
  begin(version: number): void;
  object(resource: string, object: Stored<ApiObject>): void;
}

/** Reads a snapshot into `reader`; does nothing when there is none. Rejects with ClusterError `unreadable-state` when it is not whole. */
export async function readSnapshot(path: string, reader: SnapshotReader): Promise<void> {
  const digest = createHash("sha256");
  let isWhole = false;
  let lineNumber = 0;
  for await (const line of linesOf(path)) {
    if (isWhole) throw unreadable(`${path} goes on after its end`);
    if (line.startsWith(endMark)) {
      isWhole = line.slice(endMark.length) === digest.digest("hex");
      if (!isWhole) throw unreadable(`${path} does not match its digest`);
      continue;
    }
    digest.update(line).update(lineEnd);
    if (lineNumber++ === 0) reader.begin(parseHead(line, path));
    else readEntry(line, reader);
  }
  if (lineNumber > 0 && !isWhole) throw unreadable(`${path} is cut short`);
}

/** Split by hand, since readline also ends lines at U+2028, which JSON leaves as it is. */
async function* linesOf(path: string): AsyncGenerator<string> {
  let rest: Buffer[] = [];
  for await (const chunk of chunksOfFile(path)) {
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      yield Buffer.concat([...rest, chunk.subarray(start, end)]).toString();
      rest = [];
      start = end + 1;
    }
    rest.push(chunk.subarray(start));
  }
  const tail = Buffer.concat(rest);
  if (tail.length > 0) yield tail.toString();
}

/** Nothing when there is no such file. */
async function* chunksOfFile(path: string): AsyncGenerator<Buffer> {
  try {
    yield* createReadStream(path, { highWaterMark: chunkBytes });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}

function parseHead(line: string, path: string): number {
  let head: { format?: unknown; resourceVersion?: unknown };
  try {
    head = JSON.parse(line);
  } catch (cause) {
    throw unreadable(`${path} has no head`, cause);
  }
  if (head.format !== format) throw unreadable(`${path} has format ${head.format}, this program reads ${format}`);
  if (!Number.isSafeInteger(head.resourceVersion)) throw unreadable(`${path} names no version`);
  return head.resourceVersion as number;
}

function readEntry(line: string, reader: SnapshotReader): void {
  const tab = line.indexOf("\t");
  reader.object(line.slice(0, tab), parseObject(line.slice(tab + 1)));
}
