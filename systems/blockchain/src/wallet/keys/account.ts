/** The two accounts of a wallet: m/84'/coin'/0' pays to P2WPKH (BIP 84), m/86'/coin'/0' to P2TR (BIP 86). */
import { HARDENED_OFFSET, HDKey } from "@scure/bip32";
import type { AddressType } from "../types.ts";
import type { PublicNode } from "./branch.ts";

export type Purpose = 84 | 86;
export const purposes: readonly Purpose[] = [84, 86];

export const purposeOf = (type: AddressType): Purpose => (type === "bech32" ? 84 : 86);
export const typeOf = (purpose: Purpose): AddressType => (purpose === 84 ? "bech32" : "bech32m");

/** 0 hands out addresses to payers, 1 takes change. */
export type BranchNumber = 0 | 1;
export const branchNumbers: readonly BranchNumber[] = [0, 1];

/** Whose key a script belongs to: m/purpose'/coin'/0'/branch/index. */
export interface KeyPath {
  readonly purpose: Purpose;
  readonly branch: BranchNumber;
  readonly index: number;
}

export const pathText = (coinType: number, { purpose, branch, index }: KeyPath): string =>
  `m/${purpose}'/${coinType}'/0'/${branch}/${index}`;

/** The path as PSBT has it: every step a number, hardened ones from 2^31 on. */
export const pathNumbers = (coinType: number, { purpose, branch, index }: KeyPath): readonly number[] => [
  purpose + HARDENED_OFFSET,
  coinType + HARDENED_OFFSET,
  HARDENED_OFFSET,
  branch,
  index,
];

/** Version bytes of extended keys as text. */
export interface ExtendedVersions {
  readonly public: number;
  readonly private: number;
}

export interface AccountKeys {
  /** First four bytes of the hash of the master key, by which signers know a wallet. */
  readonly fingerprint: Buffer;
  /** The private accounts; `wipePrivateData` them when done. */
  readonly accounts: Readonly<Record<Purpose, HDKey>>;
}

/** Derives the accounts from BIP 39's seed. The master key does not outlive the call. */
export function deriveAccounts(seed: Uint8Array, coinType: number, versions: ExtendedVersions): AccountKeys {
  const master = HDKey.fromMasterSeed(new Uint8Array(seed), versions);
  const fingerprint = Buffer.alloc(4);
  fingerprint.writeUInt32BE(master.fingerprint);
  const accounts = {
    84: master.derive(`m/84'/${coinType}'/0'`),
    86: master.derive(`m/86'/${coinType}'/0'`),
  };
  master.wipePrivateData();
  return { fingerprint, accounts };
}

/** The public half of an account, from its extended key as text. Throws when the text is none of the network. */
export function accountNode(extendedPublicKey: string, versions: ExtendedVersions): PublicNode {
  const key = HDKey.fromExtendedKey(extendedPublicKey, versions);
  return { publicKey: Buffer.from(key.publicKey!), chainCode: Buffer.from(key.chainCode!) };
}
