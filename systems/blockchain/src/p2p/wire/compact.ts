/** The messages of BIP 152. Places of transactions are written as the distance from the one before. */
import { readHeader, writeHeader } from "../../primitives/block.ts";
import type { ByteReader, ByteWriter } from "../../primitives/bytes.ts";
import { readTransaction, type Transaction, writeTransaction } from "../../primitives/transaction.ts";
import { P2pError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { Codec } from "./codec.ts";
import type { Bodies, CompactBlockBody } from "./types.ts";

const COUNT_BYTES = 9;
const SHORT_ID_BYTES = 6;
const LEAST_TRANSACTION_BYTES = 10;
const MOST_PLACE = 0xffff;

/** Reads places one after the other, each above the one before. */
function placeReader(reader: ByteReader): () => number {
  let next = 0;
  return () => {
    const place = next + reader.compactSize();
    if (place > MOST_PLACE) throw new P2pError("malformed", "a place beyond the end of any block");
    next = place + 1;
    return place;
  };
}

function placeWriter(writer: ByteWriter): (place: number) => void {
  let next = 0;
  return (place) => {
    writer.compactSize(place - next);
    next = place + 1;
  };
}

/** Of an element that needs as many bytes at least. */
function readList<T>(reader: ByteReader, elementBytes: number, read: () => T): T[] {
  const count = reader.count(elementBytes);
  if (count > MOST_PLACE) throw new P2pError("misbehaving", `${count} transactions, ${MOST_PLACE} are the most`);
  return Array.from({ length: count }, read);
}

export const cmpctblock: Codec<CompactBlockBody> = {
  maxBytes: LIMITS.payloadBytes,
  read(reader) {
    const header = readHeader(reader);
    const nonce = reader.u64();
    const shortIds = readList(reader, SHORT_ID_BYTES, () => reader.u32() + reader.u16() * 0x100000000);
    const place = placeReader(reader);
    const prefilled = readList(reader, 1 + LEAST_TRANSACTION_BYTES, () => ({
      index: place(),
      transaction: readTransaction(reader),
    }));
    // As with headers: the message must not stay in memory as long as the header does.
    const own = { ...header, previous: Buffer.from(header.previous), merkleRoot: Buffer.from(header.merkleRoot) };
    return { header: own, nonce, shortIds, prefilled };
  },
  write(writer, { header, nonce, shortIds, prefilled }) {
    writeHeader(writer, header);
    writer.u64(nonce);
    writer.list(shortIds, (id) => writer.u32(id % 0x100000000).u16(Math.floor(id / 0x100000000)));
    const place = placeWriter(writer);
    writer.list(prefilled, ({ index, transaction }) => {
      place(index);
      writeTransaction(writer, transaction);
    });
  },
};

export const getblocktxn: Codec<Bodies["getblocktxn"]> = {
  maxBytes: 32 + COUNT_BYTES + 3 * (MOST_PLACE + 1),
  read: (reader) => ({ hash: reader.hash(), indexes: readList(reader, 1, placeReader(reader)) }),
  write: (writer, { hash, indexes }) => void writer.bytes(hash).list(indexes, placeWriter(writer)),
};

export const blocktxn: Codec<Bodies["blocktxn"]> = {
  maxBytes: LIMITS.payloadBytes,
  read: (reader) => ({
    hash: reader.hash(),
    transactions: readList(reader, LEAST_TRANSACTION_BYTES, (): Transaction => readTransaction(reader)),
  }),
  write: (writer, { hash, transactions }) =>
    void writer.bytes(hash).list(transactions, (transaction) => writeTransaction(writer, transaction)),
};
