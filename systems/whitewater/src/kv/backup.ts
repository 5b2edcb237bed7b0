/** A snapshot as a file: the store's stream, padded to whole 512 bytes, and SHA-256 over all of it, by which `etcdctl snapshot save` knows a whole one. */
import { createHash } from "node:crypto";
import type { Store } from "../store/types.ts";

const blockBytes = 512;

export interface Backup {
  readonly revision: number;
  /** About. */
  readonly sizeBytes: number;
  readonly chunks: AsyncIterable<Uint8Array>;
}

export function backupOf(store: Store): Backup {
  const { revision, sizeBytes } = store;
  return { revision, sizeBytes, chunks: sealed(store.snapshot().chunks) };
}

async function* sealed(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  const hash = createHash("sha256");
  let length = 0;
  for await (const chunk of chunks) {
    hash.update(chunk);
    length += chunk.length;
    yield chunk;
  }
  const padding = Buffer.alloc((blockBytes - (length % blockBytes)) % blockBytes);
  yield Buffer.concat([padding, hash.update(padding).digest()]);
}
