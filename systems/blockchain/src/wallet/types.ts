/**
 * What a wallet is to the rest of the node: the RPC rows, the REST API and the miner see these types and nothing behind them.
 *
 * Amounts are satoshis, times seconds since 1970, transaction ids and block hashes the hexadecimal text that people see. Every
 * method that hands out or changes something durable resolves once the wallet file is on disk.
 */

import type { WalletSigner } from "./signer.ts";

/** What an address is made of: `bech32` is BIP 84's P2WPKH, `bech32m` BIP 86's P2TR. */
export type AddressType = "bech32" | "bech32m";

export interface CreateWalletOptions {
  /** Restores from these words (BIP 39) instead of drawing new ones. */
  readonly mnemonic?: string | undefined;
  /** BIP 39's optional extension of the mnemonic, which is not the passphrase of the file. */
  readonly mnemonicPassphrase?: string | undefined;
  /** How strong a fresh mnemonic is: 12 words are 128 bits, 24 words 256. */
  readonly mnemonicWords?: 12 | 15 | 18 | 21 | 24 | undefined;
  /** Encrypts the secret at rest; without it the file's mode 0600 is all that protects it. */
  readonly passphrase?: string | undefined;
  /** Height below which payments to this wallet are not looked for; 0. */
  readonly birthday?: number | undefined;
}

export interface Balances {
  /** Confirmed and mature, and what our own unconfirmed payments leave us as change. This can be spent. */
  readonly trusted: number;
  /** Unconfirmed payments from others. */
  readonly pending: number;
  /** Block rewards that are not yet old enough. */
  readonly immature: number;
  /** The part of `trusted` that is in a block. */
  readonly confirmed: number;
}

/** Where a transaction stands. `depth` is 1 in the tip and negative when a block spends its inputs otherwise. */
export type TransactionStatus =
  | {
      readonly kind: "confirmed";
      readonly depth: number;
      readonly height: number;
      readonly blockHash: string;
      readonly blockTime: number;
      readonly blockIndex: number;
    }
  | { readonly kind: "mempool" }
  /** Neither in a block nor in the mempool: it may return, so its coins stay reserved until it is abandoned. */
  | { readonly kind: "inactive" }
  /** It can not confirm: a block or a dead parent forbids. */
  | { readonly kind: "conflicted"; readonly depth: number }
  | { readonly kind: "abandoned" };

export interface Coin {
  readonly txid: string;
  readonly vout: number;
  readonly value: number;
  readonly address: string;
  readonly script: Buffer;
  readonly label: string | undefined;
  /** 0 while unconfirmed. */
  readonly depth: number;
  readonly coinbase: boolean;
  /** May be chosen as an input: mature, not locked, and confirmed or our own change. */
  readonly spendable: boolean;
  readonly locked: boolean;
  readonly change: boolean;
}

/** One line of an account statement: a payment in or out. A payment with two outputs to us is two lines. */
export interface HistoryEntry {
  readonly txid: string;
  readonly category: "send" | "receive" | "generate" | "immature" | "orphan";
  readonly address: string | undefined;
  readonly vout: number;
  /** Negative for `send`. */
  readonly amount: number;
  /** Negative, on `send` lines whose inputs are all ours. */
  readonly fee: number | undefined;
  readonly label: string | undefined;
  readonly status: TransactionStatus;
  /** When we first saw it, or its block's time. */
  readonly time: number;
  readonly replaceable: boolean;
  readonly replacedBy: string | undefined;
  readonly replaces: string | undefined;
  readonly comment: string | undefined;
}

export interface WalletTransaction {
  readonly txid: string;
  /** What the wallet gained or lost, without the fee. */
  readonly amount: number;
  /** Negative, when all inputs are ours. */
  readonly fee: number | undefined;
  readonly status: TransactionStatus;
  readonly time: number;
  readonly hex: string | undefined;
  readonly entries: readonly HistoryEntry[];
}

export interface AddressRecord {
  readonly address: string;
  readonly label: string | undefined;
  readonly type: AddressType;
  readonly change: boolean;
  /** As in m/84'/1'/0'/0/5. */
  readonly path: string;
  readonly publicKey: Buffer;
  readonly used: boolean;
}

export interface Payment {
  readonly address: string;
  readonly amount: number;
}

export interface SendOptions {
  /** Satoshis per virtual byte; without it the estimate for `confirmationTarget` blocks. */
  readonly feeRate?: number | undefined;
  readonly confirmationTarget?: number | undefined;
  /** Take coins of these addresses only, and return the change to the wallet's change branch. */
  readonly fromAddresses?: readonly string[] | undefined;
  /** Addresses among the payments that the fee is taken from. */
  readonly subtractFeeFrom?: readonly string[] | undefined;
  /** Signals BIP 125; on by default, so that a fee can be raised. */
  readonly replaceable?: boolean | undefined;
  readonly comment?: string | undefined;
}

export interface Sent {
  readonly txid: string;
  readonly fee: number;
  readonly vsize: number;
}

export interface WalletInfo {
  readonly name: string;
  readonly birthday: number;
  readonly encrypted: boolean;
  /** Seconds since 1970 until which it signs; 0 is locked, undefined is a wallet without a passphrase. */
  readonly unlockedUntil: number | undefined;
  readonly transactions: number;
  readonly fingerprint: string;
  /** Height up to which blocks were looked through. */
  readonly height: number;
  readonly scanning: boolean;
}

export interface WalletEvent {
  readonly wallet: string;
  /** `payment`: first seen; `confirmed`, `unconfirmed` (its block left the chain), `dropped`: its state changed. */
  readonly kind: "payment" | "confirmed" | "unconfirmed" | "dropped";
  readonly txid: string;
  readonly amount: number;
}

/** A branch of an account as an output descriptor (BIP 380), without its checksum. */
export interface WalletDescriptor {
  readonly text: string;
  readonly isChange: boolean;
  /** The first index that was not handed out. */
  readonly next: number;
}

/** A wallet as updater and signer of transactions that others may have made; see signer.ts. */
export type Signer = Pick<WalletSigner, "fund" | "process" | "signTransaction">;

/** One wallet. Methods that sign reject with `locked` while the passphrase has not been given. */
export interface Wallet {
  readonly name: string;
  readonly signer: Signer;
  info(): WalletInfo;
  balances(): Balances;
  coins(): readonly Coin[];
  /** All of it, in the order in which it was first seen. */
  history(): readonly HistoryEntry[];
  /** The same backwards, each made as it is asked for. */
  lastSeen(): Iterable<HistoryEntry>;
  /** `count` lines after `skip` newer ones, the newest first, at the cost of these alone; and how many there are. */
  historyPart(skip: number, count: number): { readonly entries: readonly HistoryEntry[]; readonly total: number };
  transaction(txid: string): WalletTransaction | undefined;

  /** An address never handed out before. */
  newAddress(options?: {
    readonly label?: string | undefined;
    readonly type?: AddressType | undefined;
  }): Promise<string>;
  newChangeAddress(type?: AddressType): Promise<string>;
  /** Every address that was handed out, the oldest first. */
  addresses(): readonly AddressRecord[];
  address(address: string): AddressRecord | undefined;
  setLabel(address: string, label: string): Promise<void>;

  lockCoins(coins: readonly { readonly txid: string; readonly vout: number }[], locked: boolean): Promise<void>;

  /** Chooses coins, signs, hands to the mempool. Rejects with `insufficient`, `locked`, `bad-address` and what the mempool says. */
  send(payments: readonly Payment[], options?: SendOptions): Promise<Sent>;
  /** Replaces an unconfirmed payment of ours by one that pays more. */
  bumpFee(
    txid: string,
    options?: { readonly feeRate?: number | undefined },
  ): Promise<Sent & { readonly oldFee: number }>;
  /** Gives up a payment that is in neither a block nor the mempool; its coins are free again. */
  abandon(txid: string): Promise<void>;

  encrypt(passphrase: string): Promise<void>;
  unlock(passphrase: string, seconds: number): Promise<void>;
  lock(): void;
  changePassphrase(old: string, fresh: string): Promise<void>;
  /** Its keys without the secrets, each branch of each account. */
  descriptors(): readonly WalletDescriptor[];
  /** The words that restore it. */
  mnemonic(): string;
  /** Looks through the chain again from a height. */
  rescan(fromHeight: number): Promise<void>;
  /** Writes this wallet alone as a file that `restore` takes. */
  backup(path: string): Promise<void>;
}

/** All wallets of a node, kept in one file. */
export interface Wallets {
  create(name: string, options?: CreateWalletOptions): Promise<Wallet>;
  /** Takes a wallet out of a backup. */
  restore(name: string, backupPath: string): Promise<Wallet>;
  load(name: string): Promise<Wallet>;
  unload(name: string): Promise<void>;
  /** Those that follow the chain. */
  loaded(): readonly Wallet[];
  /** Every wallet in the file. */
  names(): readonly string[];
  get(name: string): Wallet | undefined;
  /** The wallet that the REST API and the miner use: `default`, made without a passphrase when there is none. */
  defaultWallet(): Promise<Wallet>;
  subscribe(listener: (event: WalletEvent) => void): () => void;
  close(): Promise<void>;
}
