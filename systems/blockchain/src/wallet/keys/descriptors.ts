/** A wallet's accounts as output descriptors (BIP 380, 382, 386): what watches them without being able to spend. */
import type { WalletDescriptor } from "../types.ts";
import { branchNumbers, purposes } from "./account.ts";
import type { PublicFacts } from "./keychain.ts";
import type { NextIndexes } from "./ring.ts";

const FUNCTIONS = { 84: "wpkh", 86: "tr" } as const;

export const descriptorsOf = (
  { fingerprint, accounts }: Pick<PublicFacts, "fingerprint" | "accounts">,
  coinType: number,
  next: NextIndexes,
): readonly WalletDescriptor[] =>
  purposes.flatMap((purpose) =>
    branchNumbers.map((branch) => ({
      text: `${FUNCTIONS[purpose]}([${fingerprint}/${purpose}h/${coinType}h/0h]${accounts[purpose]}/${branch}/*)`,
      isChange: branch === 1,
      next: next[purpose][branch],
    })),
  );
