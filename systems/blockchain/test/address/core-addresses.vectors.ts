/** Bitcoin Core's published vectors for base58, addresses and private keys, of all networks. */
import { readFileSync } from "node:fs";
import { base58 } from "@scure/base";
import { describe, expect, test } from "vitest";
import { addressOfScript, scriptOfAddress } from "../../src/address/address.ts";
import type { AddressPrefixes } from "../../src/address/prefixes.ts";
import { decodeWif, encodeWif } from "../../src/address/wif.ts";
import { rowsOf, vectorPath } from "../script/core-vectors.ts";

const main: AddressPrefixes = { bech32Hrp: "bc", base58: { pubKeyHash: 0, scriptHash: 5, secretKey: 128 } };
const testing = { pubKeyHash: 111, scriptHash: 196, secretKey: 239 };
const networks: Readonly<Record<string, AddressPrefixes>> = {
  main,
  test: { bech32Hrp: "tb", base58: testing },
  testnet4: { bech32Hrp: "tb", base58: testing },
  signet: { bech32Hrp: "tb", base58: testing },
  regtest: { bech32Hrp: "bcrt", base58: testing },
};

const encodings = vectorPath("base58_encode_decode.json");
const valid = vectorPath("key_io_valid.json");
const invalid = vectorPath("key_io_invalid.json");

describe.skipIf(encodings === undefined)("base58_encode_decode.json", () => {
  test("bytes to text and back", () => {
    for (const [hex, text] of rowsOf(encodings as string) as [string, string][]) {
      expect(base58.encode(Buffer.from(hex, "hex"))).toBe(text);
      expect(Buffer.from(base58.decode(text)).toString("hex")).toBe(hex.toLowerCase());
    }
  });
});

interface Meaning {
  readonly chain: string;
  readonly isPrivkey: boolean;
  readonly isCompressed?: boolean;
  readonly tryCaseFlip?: boolean;
}

const flipped = (text: string): string =>
  text.replace(/[a-z]/gi, (letter) => (letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase()));

describe.skipIf(valid === undefined)("key_io_valid.json", () => {
  const rows = () => rowsOf(valid as string) as [text: string, hex: string, meaning: Meaning][];

  test("each address is its script's, and the other way round", () => {
    for (const [text, hex, { chain, tryCaseFlip }] of rows().filter(([, , { isPrivkey }]) => !isPrivkey)) {
      const prefixes = networks[chain] as AddressPrefixes;
      expect([text, scriptOfAddress(text, prefixes).toString("hex")]).toEqual([text, hex]);
      expect(addressOfScript(Buffer.from(hex, "hex"), prefixes)).toBe(text);
      if (tryCaseFlip) expect(scriptOfAddress(flipped(text), prefixes).toString("hex")).toBe(hex);
      else expect(() => scriptOfAddress(flipped(text), prefixes)).toThrow();
    }
  });

  test("each private key is read, written, and no address", () => {
    for (const [text, hex, { chain, isCompressed = false }] of rows().filter(([, , { isPrivkey }]) => isPrivkey)) {
      const prefixes = networks[chain] as AddressPrefixes;
      const key = { privateKey: Buffer.from(hex, "hex"), compressed: isCompressed };
      expect(decodeWif(text, prefixes)).toEqual(key);
      expect(encodeWif(key, prefixes)).toBe(text);
      expect(() => scriptOfAddress(text, prefixes)).toThrow();
    }
  });
});

describe.skipIf(invalid === undefined)("key_io_invalid.json", () => {
  test("no text is an address or a key of any network", () => {
    const rows: [string][] = JSON.parse(readFileSync(invalid as string, "utf8"));
    expect(rows.length).toBeGreaterThan(50);
    for (const [text] of rows)
      for (const prefixes of Object.values(networks)) {
        expect(() => scriptOfAddress(text, prefixes)).toThrow();
        expect(() => decodeWif(text, prefixes)).toThrow();
      }
  });
});
