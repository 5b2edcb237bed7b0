/**
 * A log entry of kvstore: the leader's time and the operations of one round of clients, in order.
 *
 *     version (1) | time in ms (48 bit) | operation*
 *     operation = code (8 bit) | argument count (varint) | (length (varint) | bytes)*
 *
 * Operations carry everything that decides their outcome, so every replica computes the same state and the same answers.
 */
import { KvStoreError, newerVersion } from "../errors.ts";
import { ByteReader, sizedLength, varintSize, writeSized, writeVarint } from "./bytes.ts";

const VERSION = 1;
const HEADER_BYTES = 7;

export interface Operation {
  /** A row of the table in operations.ts. */
  readonly code: number;
  readonly args: readonly Uint8Array[];
}

export interface DecodedOperation {
  readonly code: number;
  readonly args: readonly Buffer[];
}

export interface DecodedEntry {
  readonly timeMs: number;
  readonly operations: readonly DecodedOperation[];
}

/** Bytes that the operation takes in an entry. */
export function operationSize({ args }: Operation): number {
  return args.reduce((size, arg) => size + sizedLength(arg), 1 + varintSize(args.length));
}

export function encodeEntry(timeMs: number, operations: readonly Operation[]): Buffer {
  const size = operations.reduce((sum, operation) => sum + operationSize(operation), HEADER_BYTES);
  const entry = Buffer.allocUnsafe(size);
  entry[0] = VERSION;
  let at = entry.writeUIntBE(timeMs, 1, 6);
  for (const operation of operations) at = writeOperation(entry, operation, at);
  return entry;
}

export function encodeOperation(operation: Operation): Buffer {
  const bytes = Buffer.allocUnsafe(operationSize(operation));
  writeOperation(bytes, operation, 0);
  return bytes;
}

function writeOperation(target: Buffer, { code, args }: Operation, offset: number): number {
  target[offset] = code;
  let at = writeVarint(target, args.length, offset + 1);
  for (const arg of args) at = writeSized(target, arg, at);
  return at;
}

/** Throws `newer-version` for an entry that is laid out otherwise, `corrupt` for bytes that are none. */
export function decodeEntry(bytes: Uint8Array): DecodedEntry {
  const reader = new ByteReader(bytes);
  const version = reader.byte();
  if (version > VERSION) throw newerVersion(`an entry of version ${version}`);
  if (version < VERSION)
    throw new KvStoreError("corrupt", `Log entry of version ${version}; there is none below ${VERSION}.`);
  const timeMs = reader.uint48();
  const operations: DecodedOperation[] = [];
  while (!reader.atEnd) operations.push(readOperation(reader));
  return { timeMs, operations };
}

export const decodeOperation = (bytes: Uint8Array): DecodedOperation => readOperation(new ByteReader(bytes));

function readOperation(reader: ByteReader): DecodedOperation {
  const code = reader.byte();
  const args: Buffer[] = [];
  for (let left = reader.varint(); left > 0; left--) args.push(reader.sized());
  return { code, args };
}
