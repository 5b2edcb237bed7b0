/** A copy of the store as a file, and the way back into a running cluster. */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { open, rename, rm, stat } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { messageOf, WhitewaterError } from "../errors.ts";
import type { KeyValue } from "../kv/types.ts";
import { rangeRequest } from "../proto/kv.ts";
import { createStore } from "../store/store.ts";
import { ask, askJson, open as openAnswer, type Target } from "./client.ts";

const SUM_BYTES = 32;

export interface Saved {
  readonly revision: number;
  readonly sizeBytes: number;
}

/** Replaces `file` only by a whole copy. */
export async function save(target: Target, file: string): Promise<Saved> {
  const part = `${file}.part`;
  let failure: unknown;
  for (const endpoint of target.endpoints) {
    try {
      const response = await openAnswer(target, endpoint, { path: "/v1/snapshot" });
      if (response.statusCode !== 200)
        throw new WhitewaterError("refused", `${endpoint} answered ${response.statusCode}`);
      await pipeline(response, createWriteStream(part, { mode: 0o600 }));
      await checkSum(part);
      await synced(part);
      await rename(part, file);
      return { revision: Number(response.headers["x-whitewater-revision"]), sizeBytes: (await stat(file)).size };
    } catch (error) {
      failure = error;
    }
  }
  await rm(part, { force: true });
  throw failure;
}

async function synced(path: string): Promise<void> {
  const file = await open(path, "r");
  await file.sync();
  await file.close();
}

/** The last bytes of the file are the hash of all before them. */
async function checkSum(file: string): Promise<void> {
  const { size } = await stat(file).catch((cause: unknown) => {
    throw new WhitewaterError("usage", `${file} can't be read: ${messageOf(cause)}`, { cause });
  });
  const hash = createHash("sha256");
  let sum = Buffer.alloc(0);
  if (size > SUM_BYTES) {
    for await (const chunk of createReadStream(file, { end: size - SUM_BYTES - 1 })) hash.update(chunk as Buffer);
    for await (const chunk of createReadStream(file, { start: size - SUM_BYTES }))
      sum = Buffer.concat([sum, chunk as Buffer]);
  }
  if (!hash.digest().equals(sum))
    throw new WhitewaterError(
      "corrupt",
      `${file} is truncated or altered: its checksum is wrong. Nothing was written.`,
    );
}

export interface Restored {
  readonly keys: number;
  readonly revision: number;
}

export async function restore(target: Target, file: string, isReplacing: boolean): Promise<Restored> {
  await checkSum(file);
  const { size } = await stat(file);
  const store = createStore();
  await store.restore(1, createReadStream(file, { end: size - SUM_BYTES - 1 })).catch((cause: unknown) => {
    throw new WhitewaterError("corrupt", `${file} is no copy of a store: ${messageOf(cause)}. Nothing was written.`, {
      cause,
    });
  });
  const { kvs } = await store.range(rangeRequest.decode(rangeRequest.encode({ key: "\0", rangeEnd: "\0" })));
  await makeRoom(target, isReplacing);
  await forEach(kvs, (each) => put(target, each));
  await compare(target, kvs);
  return { keys: kvs.length, revision: store.revision };
}

async function makeRoom(target: Target, isReplacing: boolean): Promise<void> {
  const { count } = await askJson<{ count: number }>(target, { path: "/v1/kv/?prefix&count" });
  if (count === 0) return;
  if (!isReplacing)
    throw new WhitewaterError(
      "conflict",
      `There are ${count} keys already. Nothing was written; --replace deletes them first.`,
    );
  await ask(target, { method: "DELETE", path: "/v1/kv/?prefix" });
}

const pathOf = ({ key }: KeyValue): string =>
  `/v1/kv/${encodeURIComponent(Buffer.from(key, "latin1").toString("base64"))}?encoding=base64`;

/** Repeated until it is certain: the same value may be written twice. */
async function put(target: Target, each: KeyValue): Promise<void> {
  const body = Buffer.from(each.value).toString("base64");
  for (let left = 5; ; left--) {
    try {
      return void (await ask(target, { method: "PUT", path: pathOf(each), body }));
    } catch (error) {
      if (left === 0) throw error;
    }
  }
}

async function compare(target: Target, kvs: readonly KeyValue[]): Promise<void> {
  await forEach(kvs, async (each) => {
    const { value } = await askJson<{ value: string }>(target, { path: pathOf(each) });
    if (!Buffer.from(value, "base64").equals(each.value))
      throw new WhitewaterError(
        "conflict",
        "A key read back differs from the copy: somebody else is writing. Stop writers, then run this again with --replace.",
      );
  });
}

/** Requests at a time: members write what comes together with one sync. */
const WIDTH = 16;

/** Rejects with the first failure. */
async function forEach<T>(list: readonly T[], run: (each: T) => Promise<void>): Promise<void> {
  const left = list.values();
  const worker = async (): Promise<void> => {
    for (const each of left) await run(each);
  };
  await Promise.all(Array.from({ length: WIDTH }, worker));
}
