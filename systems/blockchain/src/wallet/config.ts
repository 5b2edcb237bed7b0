/** What a node hands to its wallets. */
import type { AddressPrefixes } from "../address/prefixes.ts";
import type { Cost } from "./file/seal.ts";
import type { WalletChain, WalletPool } from "./ports.ts";

/** What a wallet needs to know of the network; `Network` of consensus/params.ts is one. */
export interface WalletNetwork extends AddressPrefixes {
  readonly name: string;
  readonly coinType: number;
  readonly coinbaseMaturity: number;
  readonly base58: AddressPrefixes["base58"] & { readonly extPublic: number; readonly extPrivate: number };
}

export interface WalletConfig {
  readonly network: WalletNetwork;
  readonly chain: WalletChain;
  readonly pool: WalletPool;
  /** Milliseconds. */
  readonly now: () => number;
  /** From 0 to below n; places the change. Cryptographic unless a test says otherwise. */
  readonly random?: (n: number) => number;
  /** Told of what went wrong without a caller to tell. */
  readonly onError?: (message: string, error: unknown) => void;
  /** Satoshis per virtual byte when the mempool has no estimate yet. */
  readonly fallbackFeeRate?: number;
  /** Addresses looked at beyond the last one used; 100. Restoring finds no payment further on. */
  readonly gapLimit?: number;
  /** Of scrypt; tests take less. */
  readonly cost?: Cost;
}
