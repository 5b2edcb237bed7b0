/** The newest snapshot in the folder, and the one that is coming in. */
import { mkdir, open, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { SnapshotMeta } from "../core/types.ts";
import { RaftError } from "../errors.ts";
import { isMissing, moveFile, replaceFile, syncPiecewise } from "./files.ts";
import { checkSnapshot, readChunks, readHead, type SnapshotHead, writeSnapshot } from "./snapshot-file.ts";

const NAME = /^([0-9a-f]{14})\.snapshot$/;
const nameOf = (index: number): string => `${index.toString(16).padStart(14, "0")}.snapshot`;

export interface StoredSnapshot {
  readonly meta: SnapshotMeta;
  readonly path: string;
  readonly sizeBytes: number;
  /** Tells it from another of the same position: the file's last bytes. */
  readonly mark: string;
}

export class SnapshotStore {
  readonly #dir: string;
  readonly #clusterId: string;
  #newest: StoredSnapshot | undefined;

  private constructor(dir: string, clusterId: string) {
    this.#dir = dir;
    this.#clusterId = clusterId;
  }

  /** Finds the newest snapshot. Rejects with RaftError `corrupt` or `wrong-cluster`. */
  static async open(dir: string, clusterId: string): Promise<SnapshotStore> {
    const store = new SnapshotStore(join(dir, "snapshots"), clusterId);
    await mkdir(store.#dir, { recursive: true, mode: 0o700 });
    const names = await store.#names();
    const newest = names.at(-1);
    if (newest !== undefined) store.#newest = await store.#describe(join(store.#dir, newest));
    return store;
  }

  get newest(): StoredSnapshot | undefined {
    return this.#newest;
  }

  /** The checked state of the newest one. */
  chunks(snapshot: StoredSnapshot): AsyncIterable<Uint8Array> {
    return readChunks(snapshot.path);
  }

  /** Durable when it resolves; older ones are removed. */
  async write(meta: SnapshotMeta, chunks: AsyncIterable<Uint8Array>): Promise<StoredSnapshot> {
    const path = join(this.#dir, nameOf(meta.index));
    await replaceFile(path, (file) => writeSnapshot(file, { clusterId: this.#clusterId, ...meta }, chunks));
    return this.#adopt(await this.#describe(path));
  }

  /** Where a snapshot with this name comes in, and how much of it is there. What is left of another is removed. */
  async incoming(name: string, maxBytes: number): Promise<{ readonly path: string; readonly sizeBytes: number }> {
    const file = `${name}.part`;
    for (const other of await readdir(this.#dir))
      if (other.endsWith(".part") && other !== file) await rm(join(this.#dir, other), { force: true });
    const path = join(this.#dir, file);
    const sizeBytes = await sizeOf(path);
    if (sizeBytes <= maxBytes) return { path, sizeBytes };
    await rm(path);
    return { path, sizeBytes: 0 };
  }

  /** Appends what arrives to the file at `path`, synced at the end. */
  async receive(path: string, chunks: AsyncIterable<Uint8Array>): Promise<number> {
    const file = await open(path, "a", 0o600);
    const wrote = syncPiecewise(file);
    let received = 0;
    try {
      for await (const chunk of chunks) {
        await file.write(chunk);
        received += chunk.length;
        await wrote(chunk.length);
      }
      await file.sync();
      return received;
    } finally {
      await file.close();
    }
  }

  /** Checks what came in. Rejects with `corrupt` or `wrong-cluster`; it is removed then, so that the next attempt begins anew. */
  async check(path: string): Promise<SnapshotMeta> {
    try {
      const { meta } = await this.#describe(path);
      await checkSnapshot(path);
      return meta;
    } catch (error) {
      await rm(path, { force: true });
      throw error;
    }
  }

  /** Makes what came in the newest snapshot. */
  async adopt(path: string, meta: SnapshotMeta): Promise<StoredSnapshot> {
    const target = join(this.#dir, nameOf(meta.index));
    await moveFile(path, target);
    return this.#adopt(await this.#describe(target));
  }

  async #adopt(snapshot: StoredSnapshot): Promise<StoredSnapshot> {
    if (this.#newest && this.#newest.meta.index > snapshot.meta.index) return this.#newest;
    this.#newest = snapshot;
    // Whoever reads an older one has it open: the file lives on until it is closed.
    for (const name of await this.#names())
      if (name < nameOf(snapshot.meta.index)) await rm(join(this.#dir, name), { force: true });
    return snapshot;
  }

  async #names(): Promise<string[]> {
    return (await readdir(this.#dir)).filter((name) => NAME.test(name)).sort();
  }

  async #describe(path: string): Promise<StoredSnapshot> {
    const { clusterId, index, term, membership }: SnapshotHead = await readHead(path);
    if (clusterId !== this.#clusterId)
      throw new RaftError(
        "wrong-cluster",
        `the snapshot ${path} is of cluster ${clusterId}, not of ${this.#clusterId}`,
      );
    const sizeBytes = await sizeOf(path);
    return { meta: { index, term, membership }, path, sizeBytes, mark: await lastBytes(path, sizeBytes) };
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isMissing(error)) return 0;
    throw error;
  }
}

async function lastBytes(path: string, sizeBytes: number): Promise<string> {
  const file = await open(path, "r");
  try {
    const bytes = Buffer.alloc(8);
    await file.read(bytes, 0, bytes.length, Math.max(0, sizeBytes - bytes.length));
    return bytes.toString("hex");
  } finally {
    await file.close();
  }
}
