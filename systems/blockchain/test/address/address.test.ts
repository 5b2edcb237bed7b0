import { describe, expect, it } from "vitest";
import { addressOfScript, parseAddress, scriptOfAddress } from "../../src/address/address.ts";
import { AddressError } from "../../src/address/errors.ts";
import type { AddressPrefixes } from "../../src/address/prefixes.ts";
import { decodeWif, encodeWif } from "../../src/address/wif.ts";

const base58 = { pubKeyHash: 111, scriptHash: 196, secretKey: 239 };
const main: AddressPrefixes = { bech32Hrp: "bc", base58: { pubKeyHash: 0, scriptHash: 5, secretKey: 128 } };
const testnet: AddressPrefixes = { bech32Hrp: "tb", base58 };
const regtest: AddressPrefixes = { bech32Hrp: "bcrt", base58 };

const prefixesOf = (address: string): AddressPrefixes => (/^tb/i.test(address) ? testnet : main);

/** BIP 350 with what BIP 173 says of version 0. */
const valid: readonly (readonly [address: string, script: string])[] = [
  ["BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4", "0014751e76e8199196d454941c45d1b3a323f1433bd6"],
  [
    "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7",
    "00201863143c14c5166804bd19203356da136c985678cd4d27a1b8c6329604903262",
  ],
  [
    "bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y",
    "5128751e76e8199196d454941c45d1b3a323f1433bd6751e76e8199196d454941c45d1b3a323f1433bd6",
  ],
  ["BC1SW50QGDZ25J", "6002751e"],
  ["bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs", "5210751e76e8199196d454941c45d1b3a323"],
  [
    "tb1qqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesrxh6hy",
    "0020000000c4a5cad46221b2a187905e5266362b99d5e91c6ce24d165dab93e86433",
  ],
  [
    "tb1pqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesf3hn0c",
    "5120000000c4a5cad46221b2a187905e5266362b99d5e91c6ce24d165dab93e86433",
  ],
  [
    "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
    "512079be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
  ],
];

const invalid = [
  "tc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq5zuyut",
  "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd",
  "tb1z0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqglt7rf",
  "BC1S0XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ54WELL",
  "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kemeawh",
  "tb1q0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq24jc47",
  "bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4",
  "BC130XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ7ZWS8R",
  "bc1pw5dgrnzv",
  "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v8n0nx0muaewav253zgeav",
  "BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P",
  "tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq47Zagq",
  "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v07qwwzcrf",
  "tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vpggkg4j",
  "bc1gmk9yu",
];

describe("segwit addresses", () => {
  it.each(valid)("%s pays to %s", (address, hex) => {
    const prefixes = prefixesOf(address);
    expect(scriptOfAddress(address, prefixes).toString("hex")).toBe(hex);
    expect(addressOfScript(Buffer.from(hex, "hex"), prefixes)).toBe(address.toLowerCase());
  });

  it.each(invalid)("%s is refused", (address) => {
    expect(() => parseAddress(address, prefixesOf(address))).toThrow(AddressError);
  });

  it("of another network are refused by its name", () => {
    expect(() => parseAddress(valid[0]![0], regtest)).toThrow(/another network/);
    expect(() => parseAddress(valid[1]![0], regtest)).toThrow(/another network/);
  });
});

describe("base58 addresses", () => {
  const cases: readonly (readonly [AddressPrefixes, string, string])[] = [
    [main, "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2", "76a91477bff20c60e522dfaa3350c39b030a5d004e839a88ac"],
    [main, "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy", "a914b472a266d0bd89c13706a4132ccfb16f7c3b9fcb87"],
    [testnet, "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn", "76a914243f1394f44554f4ce3fd68649c19adc483ce92488ac"],
    [regtest, "2MzQwSSnBHWHqSAqtTVQ6v47XtaisrJa1Vc", "a9144e9f39ca4688ff102128ea4ccda34105324305b087"],
  ];

  it.each(cases)("%# read and written", (prefixes, address, hex) => {
    expect(scriptOfAddress(address, prefixes).toString("hex")).toBe(hex);
    expect(addressOfScript(Buffer.from(hex, "hex"), prefixes)).toBe(address);
  });

  it("with any one character changed are refused", () => {
    const [, address] = cases[2]!;
    for (let at = 0; at < address.length; at++) {
      const wrong = `${address.slice(0, at)}${address[at] === "z" ? "y" : "z"}${address.slice(at + 1)}`;
      expect(() => parseAddress(wrong, testnet)).toThrow(AddressError);
    }
  });

  it("of another network, empty or far too long are refused", () => {
    expect(() => parseAddress("1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2", regtest)).toThrow(/another network/);
    expect(() => parseAddress("", regtest)).toThrow(AddressError);
    expect(() => parseAddress("1".repeat(1e6), regtest)).toThrow(/too long/);
    expect(() => parseAddress("bcrt1", regtest)).toThrow(AddressError);
  });
});

describe("scripts without an address", () => {
  it.each([
    ["data", "6a0568656c6c6f"],
    ["a bare key", `21${"02".repeat(33)}ac`],
    ["version 0 of an impossible length", "001000000000000000000000000000000000"],
    ["an empty script", ""],
    ["a program of one byte", "510101"],
    ["a program with bytes behind it", `5120${"00".repeat(33)}`],
  ])("%s", (_, hex) => {
    expect(addressOfScript(Buffer.from(hex, "hex"), regtest)).toBeUndefined();
  });
});

describe("private keys as text", () => {
  const privateKey = Buffer.from("0c28fca386c7a227600b2fe50b7cae11ec86d3bf1fbe471be89827e19d72aa1d", "hex");

  it.each([
    ["5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ", false],
    ["KwdMAjGmerYanjeui5SHS7JkmpZvVipYvB2LJGU1ZxJwYvP98617", true],
  ])("%s", (text, compressed) => {
    expect(decodeWif(text, main)).toEqual({ privateKey, compressed });
    expect(encodeWif({ privateKey, compressed }, main)).toBe(text);
  });

  it("are never quoted by an error", () => {
    const text = "KwdMAjGmerYanjeui5SHS7JkmpZvVipYvB2LJGU1ZxJwYvP98617";
    for (const [wrong, prefixes] of [
      [text, regtest],
      [`${text.slice(0, -1)}8`, main],
    ] as const)
      expect(() => decodeWif(wrong, prefixes)).toThrow(
        expect.objectContaining({ message: expect.not.stringContaining("KwdM") }),
      );
  });
});
