/** The pool on disk, between two runs: what waits, since when, and what was added to its fee by hand. Replaced as a whole, so never half written. */
import { open, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { ByteReader, ByteWriter } from "../primitives/bytes.ts";
import { sha256 } from "../primitives/hash.ts";
import { decodeTransaction, encodeTransaction, type Transaction } from "../primitives/transaction.ts";

export interface Waiting {
  readonly tx: Transaction;
  readonly time: number;
}

export interface PoolFile {
  readonly waiting: readonly Waiting[];
  /** By transaction id. */
  readonly deltas: readonly (readonly [txid: Buffer, feeDelta: number])[];
  /** Of the fee estimator: JSON. */
  readonly estimates: unknown;
}

const MAGIC = Buffer.from("CORAPOOL");
const VERSION = 1;
const CHECKSUM_BYTES = 32;

export function encodePool({ waiting, deltas, estimates }: PoolFile): Buffer {
  const writer = new ByteWriter(1024);
  writer.bytes(MAGIC).u32(VERSION);
  writer.list(waiting, ({ tx, time }) => writer.u32(time).varBytes(encodeTransaction(tx)));
  writer.list(deltas, ([txid, delta]) => writer.bytes(txid).i64(delta));
  writer.varBytes(Buffer.from(JSON.stringify(estimates ?? null)));
  const content = writer.take();
  return Buffer.concat([content, sha256(content)]);
}

/** Undefined when it is not such a file, or not whole. */
export function decodePool(bytes: Buffer): PoolFile | undefined {
  const content = bytes.subarray(0, -CHECKSUM_BYTES);
  const isWhole = bytes.length > CHECKSUM_BYTES && sha256(content).equals(bytes.subarray(-CHECKSUM_BYTES));
  if (!isWhole) return undefined;
  const reader = new ByteReader(content);
  if (!reader.bytes(MAGIC.length).equals(MAGIC) || reader.u32() !== VERSION) return undefined;
  return {
    waiting: reader.list(14, () => ({ time: reader.u32(), tx: decodeTransaction(Buffer.from(reader.varBytes())) })),
    deltas: reader.list(40, () => [Buffer.from(reader.hash()), reader.i64()] as const),
    estimates: JSON.parse(reader.varBytes().toString()),
  };
}

/** Undefined when there is none that can be read. */
export async function readPool(path: string): Promise<PoolFile | undefined> {
  const bytes = await readFile(path).catch(() => undefined);
  return bytes && decodePool(bytes);
}

export async function writePool(path: string, file: PoolFile): Promise<void> {
  const temporary = `${path}.new`;
  await flushed(temporary, (handle) => handle.writeFile(encodePool(file)));
  await rename(temporary, path);
  await flushed(dirname(path), async () => undefined, "r");
}

type Handle = Awaited<ReturnType<typeof open>>;

async function flushed(path: string, work: (handle: Handle) => Promise<unknown>, flags = "w"): Promise<void> {
  const handle = await open(path, flags);
  try {
    await work(handle);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
