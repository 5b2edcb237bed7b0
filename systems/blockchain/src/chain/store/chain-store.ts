/** The chain's tables as operations on entries and blocks. */
import { type Block, type BlockHeader, blockHash, decodeBlock, encodeBlock } from "../../primitives/block.ts";
import { ByteReader } from "../../primitives/bytes.ts";
import { readTransaction, type Transaction } from "../../primitives/transaction.ts";
import { damaged } from "../errors.ts";
import type { Entry } from "../tree/entry.ts";
import type { Coin } from "../types.ts";
import type { Database, Operation } from "./database.ts";
import { blockKey, endOf, FACTS, headerKey, TABLES, undoKey } from "./keys.ts";
import {
  decodeHeaderRecord,
  decodeUndo,
  decodeUndoAt,
  encodeHeaderRecord,
  encodeUndo,
  type HeaderRecord,
} from "./records.ts";

export class ChainStore {
  readonly database: Database;

  constructor(database: Database) {
    this.database = database;
  }

  header(entry: Entry): BlockHeader {
    const bytes = this.database.getSync(headerKey(entry.height, entry.hash));
    if (!bytes) throw damaged(`the header at height ${entry.height} is missing`);
    return decodeHeaderRecord(bytes).header;
  }

  rawBlock(entry: Entry): Promise<Buffer | undefined> {
    return this.database.get(blockKey(entry.hash));
  }

  /** Throws `damaged` when the bytes are not that block, or are missing where they should be. */
  async block(entry: Entry): Promise<Block | undefined> {
    const bytes = await this.rawBlock(entry);
    if (!bytes && entry.hasBlock) throw damaged(`the block at height ${entry.height} is missing`);
    return bytes && readBlock(bytes, entry);
  }

  async spent(entry: Entry): Promise<readonly (readonly Coin[])[] | undefined> {
    const bytes = await this.database.get(undoKey(entry.hash));
    return bytes && decodeUndo(entry.hash, bytes);
  }

  /** What begins at that byte of the block; undefined where no transaction does. */
  async transactionAt(entry: Entry, offset: number): Promise<Transaction | undefined> {
    const bytes = await this.rawBlock(entry);
    if (!bytes || offset >= bytes.length) return undefined;
    const reader = new ByteReader(bytes.subarray(offset));
    try {
      return readTransaction(reader);
    } catch (error) {
      throw damaged(`a transaction at height ${entry.height} can't be read`, error);
    }
  }

  async spentBy(entry: Entry, position: number): Promise<readonly Coin[] | undefined> {
    const bytes = await this.database.get(undoKey(entry.hash));
    return bytes && decodeUndoAt(entry.hash, bytes, position);
  }

  async tipHash(): Promise<Buffer | undefined> {
    return this.database.get(FACTS.tip);
  }

  /** All headers, parents before children. */
  async *headers(): AsyncIterable<HeaderRecord> {
    const range = { gte: TABLES.headers, lt: endOf(TABLES.headers) };
    for await (const batch of this.database.scan(range)) {
      for (const [, value] of batch) yield decodeHeaderRecord(value);
    }
  }
}

function readBlock(bytes: Buffer, entry: Entry): Block {
  try {
    const block = decodeBlock(bytes);
    if (blockHash(block.header).equals(entry.hash)) return block;
  } catch (error) {
    throw damaged(`the block at height ${entry.height} can't be read`, error);
  }
  throw damaged(`the block at height ${entry.height} is another one`);
}

export const headerRow = (entry: Entry, header: BlockHeader): Operation => ({
  type: "put",
  key: headerKey(entry.height, entry.hash),
  value: encodeHeaderRecord({
    header,
    hasBlock: entry.hasBlock,
    isFailed: entry.isFailed,
    transactionCount: entry.transactionCount,
  }),
});

export const forgetHeader = (entry: Entry): Operation => ({ type: "del", key: headerKey(entry.height, entry.hash) });

/** A block and its header, which says that the block is here. */
export function* blockRows(entry: Entry, block: Block): Generator<Operation> {
  const transactionCount = block.transactions.length;
  const record = { header: block.header, hasBlock: true, isFailed: entry.isFailed, transactionCount };
  yield { type: "put", key: headerKey(entry.height, entry.hash), value: encodeHeaderRecord(record) };
  yield { type: "put", key: blockKey(entry.hash), value: encodeBlock(block) };
}

export const tipRow = (entry: Entry): Operation => ({ type: "put", key: FACTS.tip, value: entry.hash });

export const undoRow = (entry: Entry, spent: readonly (readonly Coin[])[]): Operation => ({
  type: "put",
  key: undoKey(entry.hash),
  value: encodeUndo(entry.hash, spent),
});
