/** Blocks and their headers; plain objects that never change once made, as transactions are. */
import { ByteReader, ByteWriter, compactSizeLength } from "./bytes.ts";
import { sha256d } from "./hash.ts";
import { baseSize, readTransaction, type Transaction, totalSize, writeTransaction } from "./transaction.ts";

export interface BlockHeader {
  /** Signed 32-bit, as Bitcoin has it. */
  readonly version: number;
  /** The hash of the parent. */
  readonly previous: Buffer;
  readonly merkleRoot: Buffer;
  /** Seconds since 1970, unsigned 32-bit. */
  readonly time: number;
  /** The target of the proof of work in its compact form. */
  readonly bits: number;
  readonly nonce: number;
}

export interface Block {
  readonly header: BlockHeader;
  readonly transactions: readonly Transaction[];
}

export const headerSize = 80;
/** Ten bytes and no inputs or outputs: fewer bytes are no transaction. */
const smallestTransaction = 10;

export const readHeader = (reader: ByteReader): BlockHeader => ({
  version: reader.i32(),
  previous: reader.hash(),
  merkleRoot: reader.hash(),
  time: reader.u32(),
  bits: reader.u32(),
  nonce: reader.u32(),
});

export function decodeHeader(bytes: Uint8Array): BlockHeader {
  const reader = new ByteReader(bytes);
  const header = readHeader(reader);
  reader.finish();
  return header;
}

export function writeHeader(writer: ByteWriter, header: BlockHeader): void {
  writer.i32(header.version).bytes(header.previous).bytes(header.merkleRoot);
  writer.u32(header.time).u32(header.bits).u32(header.nonce);
}

export function encodeHeader(header: BlockHeader): Buffer {
  const writer = new ByteWriter(headerSize);
  writeHeader(writer, header);
  return writer.take();
}

const hashes = new WeakMap<BlockHeader, Buffer>();

/** The block's hash in internal byte order. Computed once per header object. */
export function blockHash(header: BlockHeader): Buffer {
  let known = hashes.get(header);
  if (known === undefined) {
    known = sha256d(encodeHeader(header));
    hashes.set(header, known);
  }
  return known;
}

export function readBlock(reader: ByteReader): Block {
  const header = readHeader(reader);
  return { header, transactions: reader.list(smallestTransaction, () => readTransaction(reader)) };
}

export function decodeBlock(bytes: Uint8Array): Block {
  const reader = new ByteReader(bytes);
  const block = readBlock(reader);
  reader.finish();
  return block;
}

export function encodeBlock(block: Block, options: { readonly witness?: boolean } = {}): Buffer {
  const writer = new ByteWriter(options.witness === false ? blockBaseSize(block) : blockTotalSize(block));
  writeHeader(writer, block.header);
  writer.list(block.transactions, (tx) => writeTransaction(writer, tx, options));
  return writer.take();
}

const sumOf = (block: Block, size: (tx: Transaction) => number): number =>
  block.transactions.reduce((sum, tx) => sum + size(tx), headerSize + compactSizeLength(block.transactions.length));

/** Bytes without witness. */
export const blockBaseSize = (block: Block): number => sumOf(block, baseSize);

/** Bytes with witness. */
export const blockTotalSize = (block: Block): number => sumOf(block, totalSize);

/** BIP 141: at most 4,000,000 for a valid block. */
export const blockWeight = (block: Block): number => blockBaseSize(block) * 3 + blockTotalSize(block);
