/**
 * The tables of the chain's database, by the first byte of their keys. Numbers in keys are big-endian, so that LevelDB's order is theirs.
 *
 * Everything, the blocks themselves included, is in one LevelDB. Flat files, which Bitcoin Core uses for blocks, would spare the compactions
 * that copy them, but would need an order between two kinds of fsync, and a story for each crash between them. One log gives one
 * story: after any crash the database is what it was after some block, and all tables agree.
 */
import { sha256 } from "../../primitives/hash.ts";

const table = (letter: string): Buffer => Buffer.from(letter, "latin1");

export const TABLES = {
  /** Height and hash -> header, flags, number of transactions. In order of height, so that parents are read before children. */
  headers: table("h"),
  /** Hash -> serialized block. */
  blocks: table("b"),
  /** Hash -> what the block spent. */
  undo: table("r"),
  /** Transaction id and index -> coin. */
  coins: table("c"),
  /** Transaction id -> height, place and first byte in its block; of the active chain. */
  transactions: table("t"),
  /** Script, height and place -> transaction id; of the active chain. */
  history: table("s"),
  /** Script, transaction id and index -> nothing: which coins a script has. */
  scriptCoins: table("o"),
  /** Script -> balance and counts. */
  summaries: table("a"),
  /** Facts about the whole. */
  facts: table("!"),
} as const;

export const FACTS = {
  tip: Buffer.from("!tip", "latin1"),
  format: Buffer.from("!format", "latin1"),
} as const;

const HASH_BYTES = 32;
const NUMBER_BYTES = 4;
const OUTPOINT_BYTES = HASH_BYTES + NUMBER_BYTES;

/** A block makes thousands of keys: each is one piece of memory, filled in place. Joining parts takes up to three times as long. */
function keyOf(table: Buffer, name: Buffer, moreBytes = 0): Buffer {
  const key = Buffer.allocUnsafe(1 + name.length + moreBytes);
  key[0] = table[0]!;
  key.set(name, 1);
  return key;
}

export function headerKey(height: number, hash: Buffer): Buffer {
  const key = Buffer.allocUnsafe(1 + NUMBER_BYTES + HASH_BYTES);
  key[0] = TABLES.headers[0]!;
  key.set(hash, key.writeUInt32BE(height, 1));
  return key;
}
export const blockKey = (hash: Buffer): Buffer => keyOf(TABLES.blocks, hash);
export const undoKey = (hash: Buffer): Buffer => keyOf(TABLES.undo, hash);
export const transactionKey = (txid: Buffer): Buffer => keyOf(TABLES.transactions, txid);

/** Writes a key of `outPointKey`: 32 characters of the hash and four of the index, lowest first, which is turned round. */
function putOutpoint(key: Buffer, outpoint: string, at: number): Buffer {
  key.write(outpoint, at, HASH_BYTES, "latin1");
  for (let i = 0; i < NUMBER_BYTES; i++) key[at + HASH_BYTES + i] = outpoint.charCodeAt(OUTPOINT_BYTES - 1 - i);
  return key;
}

export function coinKey(outpoint: string): Buffer {
  const key = Buffer.allocUnsafe(1 + OUTPOINT_BYTES);
  key[0] = TABLES.coins[0]!;
  return putOutpoint(key, outpoint, 1);
}

/** The transaction id and the index of a key that ends with both. */
export function outpointAtEnd(bytes: Buffer): { readonly hash: Buffer; readonly index: number } {
  const at = bytes.length - 36;
  return { hash: bytes.subarray(at, at + 32), index: bytes.readUInt32BE(at + 32) };
}

const SCRIPT_HASH_BYTES = 20;

/** How the indexes name a script: 160 bits of its SHA-256. Finding two scripts of one name takes 2^80 tries and would mix up two pages. */
export const scriptName = (script: Buffer): Buffer => sha256(script).subarray(0, SCRIPT_HASH_BYTES);

export const summaryKey = (name: Buffer): Buffer => keyOf(TABLES.summaries, name);
export function historyKey(name: Buffer, height: number, position: number): Buffer {
  const key = keyOf(TABLES.history, name, 2 * NUMBER_BYTES);
  key.writeUInt32BE(position, key.writeUInt32BE(height, 1 + name.length));
  return key;
}
export const historyPlace = (bytes: Buffer): { readonly height: number; readonly position: number } => ({
  height: bytes.readUInt32BE(bytes.length - 8),
  position: bytes.readUInt32BE(bytes.length - 4),
});
/** `outpoint` is a key of `outPointKey`. */
export const scriptCoinKey = (name: Buffer, outpoint: string): Buffer =>
  putOutpoint(keyOf(TABLES.scriptCoins, name, OUTPOINT_BYTES), outpoint, 1 + name.length);

/** The first key behind all that start with `prefix`. */
export function endOf(prefix: Buffer): Buffer {
  const end = Buffer.from(prefix);
  for (let i = end.length - 1; i >= 0; i--) {
    end[i] = (end[i]! + 1) & 0xff;
    if (end[i] !== 0) return end.subarray(0, i + 1);
  }
  return Buffer.from([0xff, 0xff]);
}
