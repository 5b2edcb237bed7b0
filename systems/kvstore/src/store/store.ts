/** The store: kvstore's state machine under the replicated log, and the reads that need no log. */
import { mkdir } from "node:fs/promises";
import type { Entry, Position, StateMachine } from "@coracle/lease-log";
import { lockFolder, WalError } from "@coracle/wal";
import { KvStoreError } from "../errors.ts";
import { type Reply, ReplyError } from "../reply.ts";
import { checkDataFile, markBoot } from "./datafile.ts";
import { watchStart } from "./early-ends.ts";
import { decodeEntry } from "./entry.ts";
import { readPosition, readTime } from "./facts.ts";
import type { ReadableKeyspace } from "./keyspace.ts";
import { Layer } from "./layer.ts";
import { LayeredKeyspace } from "./layered-keyspace.ts";
import { type Query, runOperation } from "./operations.ts";
import { Overlay } from "./overlay.ts";
import { finishCutOffRestore, restoreTree } from "./restore.ts";
import { encodeSnapshot } from "./snapshot.ts";
import { openTree, type Tree } from "./tree.ts";
import { TreeKeyspace } from "./tree-keyspace.ts";
import { TreeWriter } from "./tree-writer.ts";
import { WriteBehind } from "./write-behind.ts";

const ORIGIN: Position = { epoch: 0, index: 0 };

/** How long an applied change may stay in memory before it is written to the tree. */
const WRITE_DELAY_MS = 500;

/**
 * Applied entries are in memory first and in the tree soon after, or after `flush`. `applied()` is what is in memory; after a crash it is
 * what the tree holds, and the log repeats the rest.
 */
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
  /** Why changes can't be written to the tree now, if so; they are safe in the log and kept in memory. */
  readonly problem: KvStoreError | undefined;
  /** Keys in the tree: without what is still in memory, but at no cost, whereas `reader().size` looks at every change. */
  readonly written: { readonly size: number; readonly expiring: number };
  /** How much of the room is taken in which changes wait for the tree: new writes should be slowed from 0.5 on, and wait at 1. */
  readonly fill: number;
  close(): Promise<void>;
}

export interface StoreOptions {
  /** Folder of the data; created when missing. */
  readonly dir: string;
  /** Milliseconds since 1970, for judging expiry in reads. */
  readonly now?: () => number;
  /** How read commands inside transactions are answered. */
  readonly query?: Query;
  /** How long a change may stay in memory only; default 500 ms. */
  readonly writeDelayMs?: number;
}

const NO_QUERIES: Query = (_, name) => new ReplyError(`ERR '${name}' can't be part of a transaction here`);

/** The log locks its own folder in the same way. */
const lock = (dir: string): Promise<() => Promise<void>> =>
  lockFolder(dir).catch((cause: unknown) => {
    throw cause instanceof WalError ? new KvStoreError("locked", cause.message, { cause }) : cause;
  });

/** Rejects with KvStoreError `locked`, `damaged` or `disk-full`; nothing is changed then. */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { dir } = options;
  await mkdir(dir, { recursive: true });
  const unlock = await lock(dir);
  try {
    await checkDataFile(dir);
    const endedWell = await watchStart(dir);
    const tree = openTree(dir);
    await markBoot(dir);
    const closed = async (): Promise<void> => {
      await endedWell();
      await unlock();
    };
    return new TreeStore(tree, closed, options);
  } catch (error) {
    await unlock();
    throw error;
  }
}

class TreeStore implements Store {
  readonly #dir: string;
  readonly #tree: Tree;
  readonly #under: TreeKeyspace;
  readonly #space: LayeredKeyspace;
  readonly #writer: TreeWriter;
  readonly #behind: WriteBehind;
  readonly #unlock: () => Promise<void>;
  readonly #now: () => number;
  readonly #query: Query;
  #applied: Position;
  #timeMs: number;
  #isRestoring = false;
  #isClosed = false;

  constructor(
    tree: Tree,
    unlock: () => Promise<void>,
    { dir, now = Date.now, query = NO_QUERIES, writeDelayMs = WRITE_DELAY_MS }: StoreOptions,
  ) {
    this.#dir = dir;
    this.#tree = tree;
    this.#query = query;
    this.#unlock = unlock;
    this.#now = now;
    readPosition(tree.facts, dir);
    this.#under = new TreeKeyspace(tree);
    finishCutOffRestore(tree, this.#under);
    this.#under.renew();
    const middle = new Layer(new Overlay(), this.#under);
    const top = new Layer(new Overlay(), middle);
    this.#space = new LayeredKeyspace(top, this.#under);
    this.#writer = new TreeWriter(dir);
    this.#behind = new WriteBehind({ top, middle, tree: this.#under }, this.#writer, writeDelayMs);
    this.#applied = readPosition(tree.facts, dir);
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

  get problem(): KvStoreError | undefined {
    return this.#behind.problem;
  }

  get written(): { readonly size: number; readonly expiring: number } {
    return this.#under;
  }

  get fill(): number {
    return this.#behind.fill;
  }

  apply(entries: readonly Entry[]): readonly (readonly Reply[])[] {
    const last = entries.at(-1);
    if (!last) return [];
    try {
      const replies = entries.map((entry) => this.#applyEntry(entry));
      this.#applied = { epoch: last.epoch, index: last.index };
      this.#behind.advance(this.#applied, this.#timeMs);
      return replies;
    } catch (error) {
      this.#behind.abandon();
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
    await this.#behind.drain();
    const frozen = this.#tree.freeze();
    const at = readPosition(frozen.facts, this.#dir);
    const frames = encodeSnapshot({ ...at, timeMs: readTime(frozen.facts) }, frozen.rows());
    return { at, chunks: releasing(frames, frozen.release) };
  }

  async restore(at: Position, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    this.#isRestoring = true;
    try {
      await this.#behind.discard();
      this.#applied = ORIGIN;
      this.#timeMs = await restoreTree(this.#tree, this.#under, at, chunks);
      this.#applied = at;
    } finally {
      this.#isRestoring = false;
    }
  }

  async flush(): Promise<void> {
    await this.#behind.drain();
    await this.#tree.flush();
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    try {
      // What the disk has no room for is in the log, and comes again from there.
      if (!this.#isRestoring) await this.flush().catch(() => {});
    } finally {
      await this.#behind.discard();
      await this.#writer.close();
      await this.#tree.close();
      await this.#unlock();
    }
  }
}

function decodedOrError(command: Uint8Array): ReturnType<typeof decodeEntry> | ReplyError {
  try {
    return decodeEntry(command);
  } catch (error) {
    if (error instanceof KvStoreError && error.code === "corrupt") return new ReplyError(`ERR ${error.message}`);
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
