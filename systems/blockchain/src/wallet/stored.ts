/** What the file keeps of a ledger, in the file's form and in memory's. */
import { hashFromText, hashKey, hashText } from "../primitives/hash.ts";
import { decodeTransaction, encodeTransaction, outPointKey } from "../primitives/transaction.ts";
import { WalletError } from "./errors.ts";
import type { StoredNote, StoredTransaction } from "./file/document.ts";
import type { Remembered } from "./follow.ts";
import type { Note } from "./ledger/row.ts";

export const remember = ({ hex, ...facts }: StoredTransaction): Remembered => ({
  transaction: decodeTransaction(Buffer.from(hex, "hex")),
  ...facts,
});

export const stored = ({ transaction, received, abandoned }: Remembered): StoredTransaction => ({
  hex: encodeTransaction(transaction).toString("hex"),
  received,
  abandoned,
});

/** By `hashKey` of the transaction's id. */
export const notesFrom = (notes: readonly StoredNote[]): ReadonlyMap<string, Note> =>
  new Map(notes.map(({ txid, ...note }) => [hashKey(hashFromText(txid) ?? Buffer.alloc(0)), note]));

export const storedNote = ([key, note]: readonly [string, Note]): StoredNote => ({
  txid: hashText(Buffer.from(key, "latin1")),
  ...note,
});

/** `txid:vout` as an outpoint's key. Throws `bad-argument`. */
export function outpointOf(text: string): string {
  const [txid, vout] = text.split(":");
  const hash = hashFromText(txid ?? "");
  const index = Number(vout);
  if (!hash || !Number.isInteger(index) || index < 0 || index > 0xffffffff)
    throw new WalletError("bad-argument", "Invalid parameter: a coin is a transaction id and the number of an output");
  return outPointKey({ hash, index });
}

export const outpointText = (outpoint: string): string => {
  const bytes = Buffer.from(outpoint, "latin1");
  return `${hashText(bytes.subarray(0, 32))}:${bytes.readUInt32LE(32)}`;
};
