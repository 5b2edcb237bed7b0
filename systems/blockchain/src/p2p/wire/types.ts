/** Every message that this node understands, as a value. Hashes are in internal byte order. */
import type { Block, BlockHeader } from "../../primitives/block.ts";
import type { Transaction } from "../../primitives/transaction.ts";

export interface NetAddress {
  /** Dotted IPv4 or IPv6 text. */
  readonly host: string;
  readonly port: number;
  readonly services: bigint;
}

export interface TimedAddress extends NetAddress {
  /** Unix seconds. */
  readonly time: number;
}

export interface InventoryItem {
  readonly type: number;
  readonly hash: Buffer;
}

/** Types of inventory items; WITNESS asks for the form with witnesses. */
export const INVENTORY = {
  transaction: 1,
  block: 2,
  filteredBlock: 3,
  compactBlock: 4,
  witnessTransactionId: 5,
  witnessTransaction: 0x40000001,
  witnessBlock: 0x40000002,
} as const;

export const SERVICES = { network: 1n, witness: 8n, networkLimited: 1024n } as const;

export interface VersionBody {
  readonly version: number;
  readonly services: bigint;
  readonly time: number;
  readonly receiver: NetAddress;
  readonly sender: NetAddress;
  readonly nonce: bigint;
  readonly userAgent: string;
  readonly height: number;
  readonly relay: boolean;
}

export interface InventoryBody {
  readonly items: readonly InventoryItem[];
}

export interface LocatorBody {
  readonly version: number;
  /** From the newest to the oldest. */
  readonly locator: readonly Buffer[];
  /** Thirty-two zeros: as many as there are. */
  readonly stop: Buffer;
}

export interface AddressesBody {
  readonly addresses: readonly TimedAddress[];
}

export interface NonceBody {
  readonly nonce: bigint;
}

/** BIP 152. Places are those of the block, from 0. */
export interface CompactBlockBody {
  readonly header: BlockHeader;
  readonly nonce: bigint;
  /** 48 bits each, of the transactions that are not in `prefilled`, in their order. */
  readonly shortIds: readonly number[];
  /** By place. */
  readonly prefilled: readonly { readonly index: number; readonly transaction: Transaction }[];
}

/** What each command carries. */
export interface Bodies {
  readonly version: VersionBody;
  readonly verack: object;
  readonly wtxidrelay: object;
  readonly sendaddrv2: object;
  readonly sendheaders: object;
  readonly getaddr: object;
  readonly mempool: object;
  readonly ping: NonceBody;
  readonly pong: NonceBody;
  readonly addr: AddressesBody;
  readonly addrv2: AddressesBody;
  readonly inv: InventoryBody;
  readonly getdata: InventoryBody;
  readonly notfound: InventoryBody;
  readonly getheaders: LocatorBody;
  readonly getblocks: LocatorBody;
  readonly headers: { readonly headers: readonly BlockHeader[] };
  readonly block: { readonly block: Block };
  readonly tx: { readonly transaction: Transaction };
  /** Satoshis per thousand virtual bytes. */
  readonly feefilter: { readonly feeRate: bigint };
  readonly sendcmpct: { readonly announce: boolean; readonly version: bigint };
  readonly cmpctblock: CompactBlockBody;
  readonly getblocktxn: { readonly hash: Buffer; readonly indexes: readonly number[] };
  readonly blocktxn: { readonly hash: Buffer; readonly transactions: readonly Transaction[] };
}

export type Command = keyof Bodies;
export type MessageOf<C extends Command> = C extends Command ? { readonly command: C } & Bodies[C] : never;
export type Message = MessageOf<Command>;
