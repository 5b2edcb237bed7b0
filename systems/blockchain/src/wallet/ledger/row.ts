/** One transaction that concerns a wallet, reduced to what the wallet asks of it later: a miner's wallet holds very many. */
import { hashKey } from "../../primitives/hash.ts";
import { isCoinbase, outPointKey, type Transaction, txid } from "../../primitives/transaction.ts";
import type { Owned } from "../keys/ring.ts";

/** An output that pays to us. */
export interface Credit {
  readonly vout: number;
  readonly value: number;
  readonly owner: Owned;
}

/** An output that pays to others. */
export interface Payout {
  readonly vout: number;
  readonly value: number;
  readonly script: Buffer;
}

export interface InBlock {
  readonly hash: Buffer;
  readonly height: number;
  readonly time: number;
  /** Position of the transaction in its block. */
  readonly index: number;
}

/** What a person or a fee bump noted about a transaction. */
export interface Note {
  readonly comment?: string | undefined;
  /** Transaction ids as text. */
  readonly replaces?: string | undefined;
  readonly replacedBy?: string | undefined;
}

export interface Row {
  /** `hashKey` of the transaction's id. */
  readonly key: string;
  readonly txid: Buffer;
  readonly isCoinbase: boolean;
  readonly credits: readonly Credit[];
  readonly payouts: readonly Payout[];
  /** `outPointKey` of every input; none for a coinbase. */
  readonly inputs: readonly string[];
  /** `hashKey`s of the transactions that it spends from, each once. */
  readonly parents: readonly string[];
  readonly outputValue: number;
  readonly replaceable: boolean;
  /** Seconds since 1970 at which it was first seen. */
  readonly received: number;
  /** Kept while it is in no block: nobody else may have it. */
  transaction: Transaction | undefined;
  block: InBlock | undefined;
  inPool: boolean;
  abandoned: boolean;
  /** Blocks in which another transaction spends one of its inputs, by `hashKey`; undefined for none, as nearly always. */
  conflicts: Set<string> | undefined;
  note: Note;
}

/** BIP 125: any input below this asks to be replaceable. */
const FIRST_FINAL_SEQUENCE = 0xfffffffe;

/** One for all rows that have none. */
const nothing: readonly never[] = [];
const noNote: Note = {};

/** An output to the change branch of a transaction that we paid for. */
export const isChange = ({ owner }: Credit, debit: number): boolean => debit > 0 && owner.path.branch === 1;

/** The first 32 characters of an outpoint's key are its transaction's. */
export const parentOf = (outpoint: string): string => outpoint.slice(0, 32);

/**
 * A copy in memory of its own: what comes in a block is a view into all of it, and `Buffer.from` shares 8 KiB with whatever else was made at
 * that moment. Either would stay in memory for as long as the row does.
 */
export function kept(bytes: Buffer): Buffer {
  const own = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(own);
  return own;
}

export function rowOf(transaction: Transaction, ownerOf: (script: Buffer) => Owned | undefined, received: number): Row {
  const credits: Credit[] = [];
  const payouts: Payout[] = [];
  for (const [vout, { value, script }] of transaction.outputs.entries()) {
    const owner = ownerOf(script);
    if (owner) credits.push({ vout, value, owner });
    else payouts.push({ vout, value, script: kept(script) });
  }
  const coinbase = isCoinbase(transaction);
  const inputs = coinbase ? nothing : transaction.inputs.map(({ prevout }) => outPointKey(prevout));
  const id = kept(txid(transaction));
  return {
    key: hashKey(id),
    txid: id,
    isCoinbase: coinbase,
    credits,
    // What a coinbase pays to others is no payment of ours.
    payouts: coinbase ? nothing : payouts,
    inputs,
    parents: coinbase ? nothing : [...new Set(inputs.map(parentOf))],
    outputValue: transaction.outputs.reduce((sum, { value }) => sum + value, 0),
    replaceable: transaction.inputs.some(({ sequence }) => sequence < FIRST_FINAL_SEQUENCE),
    received,
    transaction: undefined,
    block: undefined,
    inPool: false,
    abandoned: false,
    conflicts: undefined,
    note: noNote,
  };
}
