/** How each message is written: one row per command, with the longest payload that is read. */
import { encodeBlock, readBlock, readHeader, writeHeader } from "../../primitives/block.ts";
import type { ByteReader } from "../../primitives/bytes.ts";
import { readTransaction, writeTransaction } from "../../primitives/transaction.ts";
import { P2pError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import {
  readAddressV2,
  readNetAddress,
  readTimedAddress,
  writeAddressV2,
  writeNetAddress,
  writeTimedAddress,
} from "./addresses.ts";
import type { Codec } from "./codec.ts";
import { blocktxn, cmpctblock, getblocktxn } from "./compact.ts";
import type { Bodies, Command, InventoryBody, LocatorBody, NonceBody, VersionBody } from "./types.ts";

const COUNT_BYTES = 9;
const INVENTORY_BYTES = 36;
const HEADER_BYTES = 81;
const V1_ADDRESS_BYTES = 30;
/** Twelve bytes of time, services, network and port at least, and the longest address. */
const V2_LEAST_BYTES = 9;
const V2_MOST_BYTES = 4 + 9 + 1 + 3 + 512 + 2;

function readList<T>(reader: ByteReader, most: number, elementBytes: number, read: () => T): T[] {
  const count = reader.count(elementBytes);
  if (count > most) throw new P2pError("misbehaving", `${count} elements, ${most} are the most`);
  return Array.from({ length: count }, read);
}

const signal: Codec<object> = { maxBytes: 0, read: () => ({}), write: () => undefined };

const echo: Codec<NonceBody> = {
  maxBytes: 8,
  read: (reader) => ({ nonce: reader.u64() }),
  write: (writer, { nonce }) => void writer.u64(nonce),
};

const inventory: Codec<InventoryBody> = {
  maxBytes: COUNT_BYTES + LIMITS.inventory * INVENTORY_BYTES,
  read: (reader) => ({
    items: readList(reader, LIMITS.inventory, INVENTORY_BYTES, () => ({ type: reader.u32(), hash: reader.hash() })),
  }),
  write: (writer, { items }) => void writer.list(items, ({ type, hash }) => writer.u32(type).bytes(hash)),
};

const locator: Codec<LocatorBody> = {
  maxBytes: 4 + COUNT_BYTES + (LIMITS.locator + 1) * 32,
  read: (reader) => ({
    version: reader.u32(),
    locator: readList(reader, LIMITS.locator, 32, () => reader.hash()),
    stop: reader.hash(),
  }),
  write: (writer, message) =>
    void writer
      .u32(message.version)
      .list(message.locator, (hash) => writer.bytes(hash))
      .bytes(message.stop),
};

const version: Codec<VersionBody> = {
  // Whatever later versions append, within reason.
  maxBytes: 1024,
  read: (reader) => ({
    version: reader.i32(),
    services: reader.u64(),
    time: reader.i64(),
    receiver: readNetAddress(reader),
    sender: readNetAddress(reader),
    nonce: reader.u64(),
    userAgent: printable(reader.varBytes(LIMITS.userAgentBytes)),
    height: reader.i32(),
    relay: reader.left === 0 || reader.u8() !== 0,
  }),
  write(writer, message) {
    writer.i32(message.version).u64(message.services).i64(message.time);
    writeNetAddress(writer, message.receiver);
    writeNetAddress(writer, message.sender);
    writer.u64(message.nonce).varBytes(Buffer.from(message.userAgent, "latin1"));
    writer.i32(message.height).u8(message.relay ? 1 : 0);
  },
};

const headers: Codec<Bodies["headers"]> = {
  maxBytes: COUNT_BYTES + LIMITS.headers * HEADER_BYTES,
  read: (reader) => ({
    headers: readList(reader, LIMITS.headers, HEADER_BYTES, () => {
      const header = readHeader(reader);
      if (reader.compactSize() !== 0) throw new P2pError("malformed", "headers: a header with transactions");
      // The message it was cut out of would stay in memory as long as the header does.
      return { ...header, previous: Buffer.from(header.previous), merkleRoot: Buffer.from(header.merkleRoot) };
    }),
  }),
  write(writer, message) {
    writer.list(message.headers, (header) => {
      writeHeader(writer, header);
      writer.u8(0);
    });
  },
};

const ROWS: { readonly [C in Command]: Codec<Bodies[C]> } = {
  version,
  verack: signal,
  wtxidrelay: signal,
  sendaddrv2: signal,
  sendheaders: signal,
  getaddr: signal,
  mempool: signal,
  ping: echo,
  pong: echo,
  inv: inventory,
  getdata: inventory,
  notfound: inventory,
  getheaders: locator,
  getblocks: locator,
  headers,
  addr: {
    maxBytes: COUNT_BYTES + LIMITS.addresses * V1_ADDRESS_BYTES,
    read: (reader) => ({
      addresses: readList(reader, LIMITS.addresses, V1_ADDRESS_BYTES, () => readTimedAddress(reader)),
    }),
    write: (writer, { addresses }) => void writer.list(addresses, (address) => writeTimedAddress(writer, address)),
  },
  addrv2: {
    maxBytes: COUNT_BYTES + LIMITS.addresses * V2_MOST_BYTES,
    read: (reader) => ({
      addresses: readList(reader, LIMITS.addresses, V2_LEAST_BYTES, () => readAddressV2(reader)).filter(
        (address) => address !== undefined,
      ),
    }),
    write: (writer, { addresses }) => void writer.list(addresses, (address) => writeAddressV2(writer, address)),
  },
  block: {
    maxBytes: LIMITS.payloadBytes,
    read: (reader) => ({ block: readBlock(reader) }),
    write: (writer, { block }) => void writer.bytes(encodeBlock(block)),
  },
  tx: {
    maxBytes: LIMITS.payloadBytes,
    read: (reader) => ({ transaction: readTransaction(reader) }),
    write: (writer, { transaction }) => writeTransaction(writer, transaction),
  },
  feefilter: {
    maxBytes: 8,
    read: (reader) => ({ feeRate: reader.u64() }),
    write: (writer, { feeRate }) => void writer.u64(feeRate),
  },
  sendcmpct: {
    maxBytes: 9,
    read: (reader) => ({ announce: reader.u8() !== 0, version: reader.u64() }),
    write: (writer, message) => void writer.u8(message.announce ? 1 : 0).u64(message.version),
  },
  cmpctblock,
  getblocktxn,
  blocktxn,
};

/** Undefined for a command that this node does not know; such messages are passed over, as the protocol wants. */
export const codecOf = (command: string): Codec<object> | undefined =>
  Object.hasOwn(ROWS, command) ? ROWS[command as Command] : undefined;

/** What a peer calls itself ends up in logs and pages. */
const printable = (bytes: Buffer): string => bytes.toString("latin1").replace(/[^ -~]/g, "?");
