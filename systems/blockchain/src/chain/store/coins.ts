/** Coins as bytes: height and whether of a coinbase, value, script. */

import { damaged } from "../errors.ts";
import type { Coin } from "../types.ts";
import { type Cursor, readVarint, varintLength, writeVarint } from "./varint.ts";

const codeOf = (coin: Coin): number => coin.height * 2 + (coin.isCoinbase ? 1 : 0);

const headLength = (coin: Coin): number => varintLength(codeOf(coin)) + varintLength(coin.value);

function writeHead(bytes: Buffer, coin: Coin, offset: number): number {
  return writeVarint(bytes, coin.value, writeVarint(bytes, codeOf(coin), offset));
}

function readHead(bytes: Buffer, cursor: Cursor): Omit<Coin, "script"> {
  const code = readVarint(bytes, cursor);
  const value = readVarint(bytes, cursor);
  if (!Number.isSafeInteger(code) || !Number.isSafeInteger(value)) throw damaged("a coin can't be read");
  return { height: Math.floor(code / 2), isCoinbase: code % 2 === 1, value };
}

export function encodeCoin(coin: Coin): Buffer {
  const bytes = Buffer.allocUnsafe(headLength(coin) + coin.script.length);
  coin.script.copy(bytes, writeHead(bytes, coin, 0));
  return bytes;
}

export function decodeCoin(bytes: Buffer): Coin {
  const cursor = { offset: 0 };
  const head = readHead(bytes, cursor);
  return { ...head, script: bytes.subarray(cursor.offset) };
}

/** Among others: with the length of the script. */
export const nestedCoinLength = (coin: Coin): number =>
  headLength(coin) + varintLength(coin.script.length) + coin.script.length;

export function writeNestedCoin(bytes: Buffer, coin: Coin, offset: number): number {
  const at = writeVarint(bytes, coin.script.length, writeHead(bytes, coin, offset));
  return at + coin.script.copy(bytes, at);
}

export function skipNestedCoin(bytes: Buffer, cursor: Cursor): void {
  readHead(bytes, cursor);
  const length = readVarint(bytes, cursor);
  cursor.offset += length;
}

export function readNestedCoin(bytes: Buffer, cursor: Cursor): Coin {
  const head = readHead(bytes, cursor);
  const length = readVarint(bytes, cursor);
  const start = cursor.offset;
  if (!(start + length <= bytes.length)) throw damaged("a spent coin can't be read");
  cursor.offset += length;
  return { ...head, script: bytes.subarray(start, start + length) };
}
