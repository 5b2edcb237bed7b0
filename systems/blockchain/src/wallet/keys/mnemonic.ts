/** The words that restore a wallet (BIP 39, English). */
import { entropyToMnemonic, mnemonicToEntropy, mnemonicToSeedWebcrypto } from "@scure/bip39";
import { wordlist } from "@scure/bip39/wordlists/english.js";
import { WalletError } from "../errors.ts";

/** Entropy in bytes by number of words: four bytes for every three. */
export const entropyBytes = (words: 12 | 15 | 18 | 21 | 24): number => (words / 3) * 4;

/** Throws `bad-mnemonic`, which never quotes the words. */
export function entropyOf(mnemonic: string): Buffer {
  const words = mnemonic.normalize("NFKD").trim().toLowerCase().split(/\s+/);
  const unknown = words.findIndex((word) => !wordlist.includes(word));
  if (unknown >= 0) throw new WalletError("bad-mnemonic", `word ${unknown + 1} is not in BIP 39's English list`);
  try {
    return Buffer.from(mnemonicToEntropy(words.join(" "), wordlist));
  } catch {
    throw new WalletError(
      "bad-mnemonic",
      `these ${words.length} words are no mnemonic: one is wrong, missing or out of order (12, 15, 18, 21 or 24 words, the last holds a checksum)`,
    );
  }
}

export const mnemonicOf = (entropy: Uint8Array): string => entropyToMnemonic(new Uint8Array(entropy), wordlist);

/** BIP 39's 64 bytes, from which all keys follow. `extension` is its optional passphrase, empty for none. */
export const seedOf = async (entropy: Uint8Array, extension: string): Promise<Buffer> =>
  Buffer.from(await mnemonicToSeedWebcrypto(mnemonicOf(entropy), extension));
