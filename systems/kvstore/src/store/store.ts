/** The store: kvstore's state machine under the replicated log, and the reads that need no log. */
import { mkdir } from "node:fs/promises";
import type { Entry, Position, StateMachine } from "@coracle/lease-log";
import { KvStoreError } from "../errors.ts";
import { type Reply, ReplyError } from "../reply.ts";
import { checkDataFile, markBoot } from "./datafile.ts";
import { decodeEntry } from "./entry.ts";
import { readPosition, readTime, writePosition, writeTime } from "./facts.ts";
import type { ReadableKeyspace } from "./keyspace.ts";
import { lockFolder } from "./lock.ts";
import { type Query, runOperation } from "./operations.ts";
import { finishCutOffRestore, restoreTree } from "./restore.ts";
import { encodeSnapshot } from "./snapshot.ts";
import { openTree, type Tree } from "./tree.ts";
import { TreeKeyspace } from "./tree-keyspace.ts";

const ORIGIN: Position = { epoch: 0, index: 0 };

export interface Store extends StateMachine {
  /** Answers of one entry's operations, in their order. */
  apply(entries: readonly Entry[]): readonly (readonly Reply[])[];
  /** The data for reading now; valid until the next await. */
  reader(): ReadableKeyspace;
  /** Whether a snapshot is being copied in, so that reads would see half of it. */
  readonly isRestoring: boolean;
  /** Time of the newest entry applied; no later entry counts as earlier. */
  readonly timeMs: number;
  /** When the next key expires. */
  nextExpiry(): number | undefined;
  /** Keys with an expiry. */
  readonly expiring: number;
  close(): Promise<void>;
}

export interface StoreOptions {
  /** Folder of the data; created when missing. */
  readonly dir: string;
  /** Milliseconds since 1970, for judging expiry in reads. */
  readonly now?: () => number;
  /** How read commands inside transactions are answered. */
  readonly query?: Query;
}

const NO_QUERIES: Query = (_, name) => new ReplyError(`ERR '${name}' can't be part of a transaction here`);

/** Rejects with KvStoreError `locked`, `corrupt` or `disk-full`; nothing is changed then. */
export async function openStore({ dir, now = Date.now, query = NO_QUERIES }: StoreOptions): Promise<Store> {
  await mkdir(dir, { recursive: true });
  const unlock = await lockFolder(dir);
  try {
    await checkDataFile(dir);
    const tree = openTree(dir);
    await markBoot(dir);
    return new TreeStore(tree, unlock, now, query);
  } catch (error) {
    await unlock();
    throw error;
  }
}

class TreeStore implements Store {
  readonly #tree: Tree;
  readonly #space: TreeKeyspace;
  readonly #unlock: () => Promise<void>;
  readonly #now: () => number;
  readonly #query: Query;
  #applied: Position;
  #timeMs: number;
  #isRestoring = false;
  #isClosed = false;

  constructor(tree: Tree, unlock: () => Promise<void>, now: () => number, query: Query) {
    this.#tree = tree;
    this.#query = query;
    this.#unlock = unlock;
    this.#now = now;
    this.#space = new TreeKeyspace(tree);
    finishCutOffRestore(tree, this.#space);
    this.#applied = readPosition(tree.facts);
    this.#timeMs = readTime(tree.facts);
  }

  get isRestoring(): boolean {
    return this.#isRestoring;
  }

  get timeMs(): number {
    return this.#timeMs;
  }

  get expiring(): number {
    return this.#space.expiring;
  }

  nextExpiry(): number | undefined {
    return this.#space.nextExpiry();
  }

  applied(): Position {
    return this.#applied;
  }

  reader(): ReadableKeyspace {
    this.#space.now = Math.max(this.#timeMs, this.#now());
    return this.#space;
  }

  apply(entries: readonly Entry[]): readonly (readonly Reply[])[] {
    const last = entries.at(-1);
    if (!last) return [];
    const timeBefore = this.#timeMs;
    try {
      const replies = this.#tree.transact(() => {
        const all = entries.map((entry) => this.#applyEntry(entry));
        writePosition(this.#tree.facts, last);
        writeTime(this.#tree.facts, this.#timeMs);
        return all;
      });
      this.#applied = { epoch: last.epoch, index: last.index };
      return replies;
    } catch (error) {
      this.#timeMs = timeBefore;
      this.#space.recount();
      throw error;
    }
  }

  /** Time never runs backwards from one entry to the next, whatever the clocks of successive primaries say. */
  #applyEntry({ command }: Entry): readonly Reply[] {
    if (command.length === 0) return [];
    const entry = decodedOrError(command);
    if (entry instanceof ReplyError) return [entry];
    this.#timeMs = Math.max(this.#timeMs, entry.timeMs);
    this.#space.now = this.#timeMs;
    return entry.operations.map((operation) => runOperation(this.#space, operation, this.#query));
  }

  async snapshot(): Promise<{ readonly at: Position; readonly chunks: AsyncIterable<Uint8Array> }> {
    const frozen = this.#tree.freeze();
    const at = this.#applied;
    const frames = encodeSnapshot({ ...at, timeMs: this.#timeMs }, frozen.rows());
    return { at, chunks: releasing(frames, frozen.release) };
  }

  async restore(at: Position, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    this.#isRestoring = true;
    try {
      this.#applied = ORIGIN;
      this.#timeMs = await restoreTree(this.#tree, this.#space, at, chunks);
      this.#applied = at;
    } finally {
      this.#isRestoring = false;
    }
  }

  flush(): Promise<void> {
    return this.#tree.flush();
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#tree.flush();
    await this.#tree.close();
    await this.#unlock();
  }
}

function decodedOrError(command: Uint8Array): ReturnType<typeof decodeEntry> | ReplyError {
  try {
    return decodeEntry(command);
  } catch (error) {
    if (error instanceof KvStoreError) return new ReplyError(`ERR ${error.message}`);
    throw error;
  }
}

/** Lets other work run between frames, and releases what they come from at the end, on an early end, and when never begun. */
function releasing(frames: Iterator<Buffer>, release: () => void): AsyncIterable<Uint8Array> {
  let isReleased = false;
  const end = (): void => {
    if (!isReleased) release();
    isReleased = true;
  };
  const next = async (): Promise<IteratorResult<Uint8Array>> => {
    await new Promise((resolve) => setImmediate(resolve));
    if (isReleased) return { done: true, value: undefined };
    const result = frames.next();
    if (result.done) end();
    return result;
  };
  const finish = async (): Promise<IteratorResult<Uint8Array>> => {
    end();
    return { done: true, value: undefined };
  };
  return { [Symbol.asyncIterator]: () => ({ next, return: finish }) };
}
