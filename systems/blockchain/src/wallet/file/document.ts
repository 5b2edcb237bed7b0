/** What the wallet file holds. Amounts and history are not among it: both follow from the chain. */
import type { NextIndexes } from "../keys/ring.ts";
import type { Sealed } from "./seal.ts";

/** A secret that nothing but the mode of the file protects. */
export interface Unsealed {
  readonly kind: "plain";
  /** `encodeSecret` in hexadecimal. */
  readonly secret: string;
}

/** A transaction of ours that is in no block: the network may have forgotten it. */
export interface StoredTransaction {
  readonly hex: string;
  /** Seconds since 1970. */
  readonly received: number;
  readonly abandoned: boolean;
}

export interface StoredNote {
  readonly txid: string;
  readonly comment?: string | undefined;
  readonly replaces?: string | undefined;
  readonly replacedBy?: string | undefined;
}

export interface WalletRecord {
  readonly name: string;
  /** Whether it follows the chain from the start of the node. */
  readonly loaded: boolean;
  readonly birthday: number;
  readonly secret: Sealed | Unsealed;
  /** Of the master key, in hexadecimal. */
  readonly fingerprint: string;
  /** Extended public keys of the two accounts. */
  readonly accounts: { readonly "84": string; readonly "86": string };
  readonly next: NextIndexes;
  readonly labels: Readonly<Record<string, string>>;
  /** `txid:vout` of coins that are not to be spent. */
  readonly lockedCoins: readonly string[];
  readonly unconfirmed: readonly StoredTransaction[];
  readonly notes: readonly StoredNote[];
}

export interface WalletDocument {
  /** A wallet's addresses belong to one network. */
  readonly network: string;
  readonly wallets: readonly WalletRecord[];
}

/** What the ciphertext of a wallet is bound to. */
export const boundTo = (network: string, { fingerprint, accounts }: Pick<WalletRecord, "fingerprint" | "accounts">) =>
  JSON.stringify([network, fingerprint, accounts["84"], accounts["86"]]);

/** The secret in bytes: the mnemonic's entropy after its length, then the mnemonic's extension. */
export function encodeSecret(entropy: Uint8Array, extension: string): Buffer {
  return Buffer.concat([Buffer.of(entropy.length), entropy, Buffer.from(extension)]);
}

/** The caller zeroes `bytes` and `entropy` when done. */
export function decodeSecret(bytes: Buffer): { readonly entropy: Buffer; readonly extension: string } {
  const length = bytes[0] ?? 0;
  return { entropy: bytes.subarray(1, 1 + length), extension: bytes.subarray(1 + length).toString() };
}
