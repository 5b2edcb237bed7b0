/** The values of the tables other than coins. */
import { type BlockHeader, decodeHeader, encodeHeader, headerSize } from "../../primitives/block.ts";
import { sha256 } from "../../primitives/hash.ts";
import { damaged } from "../errors.ts";
import type { Coin, ScriptSummary } from "../types.ts";
import { nestedCoinLength, readNestedCoin, skipNestedCoin, writeNestedCoin } from "./coins.ts";
import { type Cursor, readVarint, varintLength, writeVarint } from "./varint.ts";

export interface HeaderRecord {
  readonly header: BlockHeader;
  readonly hasBlock: boolean;
  /** Itself found or declared invalid; descendants follow from it. */
  readonly isFailed: boolean;
  readonly transactionCount: number;
}

const HAS_BLOCK = 1;
const IS_FAILED = 2;

export function encodeHeaderRecord(record: HeaderRecord): Buffer {
  const bytes = Buffer.alloc(headerSize + 5);
  encodeHeader(record.header).copy(bytes);
  bytes[headerSize] = (record.hasBlock ? HAS_BLOCK : 0) | (record.isFailed ? IS_FAILED : 0);
  bytes.writeUInt32LE(record.transactionCount, headerSize + 1);
  return bytes;
}

export function decodeHeaderRecord(bytes: Buffer): HeaderRecord {
  if (bytes.length !== headerSize + 5) throw damaged("a header has the wrong length");
  const flags = bytes[headerSize]!;
  return {
    header: decodeHeader(bytes.subarray(0, headerSize)),
    hasBlock: (flags & HAS_BLOCK) !== 0,
    isFailed: (flags & IS_FAILED) !== 0,
    transactionCount: bytes.readUInt32LE(headerSize + 1),
  };
}

type SpentCoins = readonly (readonly Coin[])[];
const CHECKSUM_BYTES = 4;
const checksum = (hash: Buffer, content: Buffer): Buffer =>
  sha256(Buffer.concat([hash, content])).subarray(0, CHECKSUM_BYTES);

/** `hash` of the block is part of the checksum. */
export function encodeUndo(hash: Buffer, spent: SpentCoins): Buffer {
  let length = varintLength(spent.length);
  for (const coins of spent) {
    length += varintLength(coins.length);
    for (const coin of coins) length += nestedCoinLength(coin);
  }
  const bytes = Buffer.allocUnsafe(CHECKSUM_BYTES + length);
  let at = writeVarint(bytes, spent.length, CHECKSUM_BYTES);
  for (const coins of spent) {
    at = writeVarint(bytes, coins.length, at);
    for (const coin of coins) at = writeNestedCoin(bytes, coin, at);
  }
  checksum(hash, bytes.subarray(CHECKSUM_BYTES)).copy(bytes);
  return bytes;
}

export function decodeUndo(hash: Buffer, bytes: Buffer): SpentCoins {
  const content = checkedUndo(hash, bytes);
  const cursor = { offset: 0 };
  return Array.from({ length: readVarint(content, cursor) }, () => readSpent(content, cursor));
}

/** What the transaction at one place spent, without making an object of everything else. */
export function decodeUndoAt(hash: Buffer, bytes: Buffer, position: number): readonly Coin[] {
  const content = checkedUndo(hash, bytes);
  const cursor = { offset: 0 };
  if (position >= readVarint(content, cursor)) return [];
  for (let before = 0; before < position; before++) {
    for (let coins = readVarint(content, cursor); coins > 0; coins--) skipNestedCoin(content, cursor);
  }
  return readSpent(content, cursor);
}

function checkedUndo(hash: Buffer, bytes: Buffer): Buffer {
  const content = bytes.subarray(CHECKSUM_BYTES);
  if (checksum(hash, content).equals(bytes.subarray(0, CHECKSUM_BYTES))) return content;
  throw damaged("what a block spent does not match its checksum");
}

const readSpent = (content: Buffer, cursor: Cursor): Coin[] =>
  Array.from({ length: readVarint(content, cursor) }, () => readNestedCoin(content, cursor));

/** Where a transaction is: height of its block, its place there, and its bytes among those of the block. */
export interface Place {
  readonly height: number;
  readonly position: number;
  readonly offset: number;
}

export function encodePlace({ height, position, offset }: Place): Buffer {
  const bytes = Buffer.allocUnsafe(12);
  bytes.writeUInt32LE(height, 0);
  bytes.writeUInt32LE(position, 4);
  bytes.writeUInt32LE(offset, 8);
  return bytes;
}

export const decodePlace = (bytes: Buffer): Place => ({
  height: bytes.readUInt32LE(0),
  position: bytes.readUInt32LE(4),
  offset: bytes.readUInt32LE(8),
});

export function encodeSummary(summary: ScriptSummary): Buffer {
  const numbers = [summary.balance, summary.received, summary.coinCount, summary.transactionCount];
  const bytes = Buffer.allocUnsafe(numbers.reduce((length, value) => length + varintLength(value), 0));
  let at = 0;
  for (const value of numbers) at = writeVarint(bytes, value, at);
  return bytes;
}

export const NO_SUMMARY: ScriptSummary = { balance: 0, received: 0, coinCount: 0, transactionCount: 0 };

export function decodeSummary(bytes: Buffer | undefined): ScriptSummary {
  if (bytes === undefined) return NO_SUMMARY;
  const cursor = { offset: 0 };
  const next = (): number => readVarint(bytes, cursor);
  return { balance: next(), received: next(), coinCount: next(), transactionCount: next() };
}
