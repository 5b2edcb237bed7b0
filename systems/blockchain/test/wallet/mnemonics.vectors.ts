/** BIP 39's reference vectors: vectors.json of trezor/python-mnemonic. */
import { readFileSync } from "node:fs";
import { HDKey } from "@scure/bip32";
import { describe, expect, test } from "vitest";
import { entropyOf, mnemonicOf, seedOf } from "../../src/wallet/keys/mnemonic.ts";
import { vectorPath } from "../script/core-vectors.ts";

type Row = readonly [entropy: string, words: string, seed: string, master: string];

const path = vectorPath("vectors.json");

describe.skipIf(path === undefined)("vectors.json", () => {
  test("entropy, words, seed and master key follow from each other", async () => {
    const { english }: { readonly english: readonly Row[] } = JSON.parse(readFileSync(path as string, "utf8"));
    expect(english.length).toBeGreaterThanOrEqual(24);
    for (const [entropy, words, seed, master] of english) {
      expect(mnemonicOf(Buffer.from(entropy, "hex"))).toBe(words);
      expect(entropyOf(words).toString("hex")).toBe(entropy);
      const derived = await seedOf(entropyOf(words), "TREZOR");
      expect(derived.toString("hex")).toBe(seed);
      expect(HDKey.fromMasterSeed(derived).privateExtendedKey).toBe(master);
    }
  });
});
