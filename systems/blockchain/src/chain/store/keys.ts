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

const number = (value: number): Buffer => {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value);
  return bytes;
};
const key = (...parts: readonly Buffer[]): Buffer => Buffer.concat(parts);

export const headerKey = (height: number, hash: Buffer): Buffer => key(TABLES.headers, number(height), hash);
export const blockKey = (hash: Buffer): Buffer => key(TABLES.blocks, hash);
export const undoKey = (hash: Buffer): Buffer => key(TABLES.undo, hash);
export const transactionKey = (txid: Buffer): Buffer => key(TABLES.transactions, txid);

const COIN_LETTER = TABLES.coins[0]!;
const COIN_KEY_BYTES = 37;

/** From a key of `outPointKey`: 32 characters of the hash and four of the index, lowest first. */
export function coinKey(outpoint: string): Buffer {
  const bytes = Buffer.allocUnsafe(COIN_KEY_BYTES);
  bytes[0] = COIN_LETTER;
  bytes.write(outpoint, 1, "latin1");
  bytes.subarray(33).reverse();
  return bytes;
}

/** The transaction id and the index of a key that ends with both. */
export function outpointAtEnd(bytes: Buffer): { readonly hash: Buffer; readonly index: number } {
  const at = bytes.length - 36;
  return { hash: bytes.subarray(at, at + 32), index: bytes.readUInt32BE(at + 32) };
}

const SCRIPT_HASH_BYTES = 20;

/** How the indexes name a script: 160 bits of its SHA-256. Finding two scripts of one name takes 2^80 tries and would mix up two pages. */
export const scriptName = (script: Buffer): Buffer => sha256(script).subarray(0, SCRIPT_HASH_BYTES);

export const summaryKey = (name: Buffer): Buffer => key(TABLES.summaries, name);
export const historyKey = (name: Buffer, height: number, position: number): Buffer =>
  key(TABLES.history, name, number(height), number(position));
export const historyPlace = (bytes: Buffer): { readonly height: number; readonly position: number } => ({
  height: bytes.readUInt32BE(bytes.length - 8),
  position: bytes.readUInt32BE(bytes.length - 4),
});
/** `outpoint` is a key of `outPointKey`. */
export const scriptCoinKey = (name: Buffer, outpoint: string): Buffer =>
  key(TABLES.scriptCoins, name, coinKey(outpoint).subarray(1));

/** The first key behind all that start with `prefix`. */
export function endOf(prefix: Buffer): Buffer {
  const end = Buffer.from(prefix);
  for (let i = end.length - 1; i >= 0; i--) {
    end[i] = (end[i]! + 1) & 0xff;
    if (end[i] !== 0) return end.subarray(0, i + 1);
  }
  return Buffer.from([0xff, 0xff]);
}
