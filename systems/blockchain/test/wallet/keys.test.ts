import { HDKey } from "@scure/bip32";
import { describe, expect, it } from "vitest";
import { addressOfScript } from "../../src/address/address.ts";
import type { AddressPrefixes } from "../../src/address/prefixes.ts";
import { encodeWif } from "../../src/address/wif.ts";
import { accountNode, branchNumbers, deriveAccounts, type Purpose } from "../../src/wallet/keys/account.ts";
import { publicChild } from "../../src/wallet/keys/branch.ts";
import { entropyOf, mnemonicOf, seedOf } from "../../src/wallet/keys/mnemonic.ts";
import { KeyRing, noneHandedOut } from "../../src/wallet/keys/ring.ts";
import { publicKeyOf } from "../../src/wallet/keys/signatures.ts";
import { tweakPrivateKey, tweakPublicKey, xOnly } from "../../src/wallet/keys/taproot.ts";

const main: AddressPrefixes = { bech32Hrp: "bc", base58: { pubKeyHash: 0, scriptHash: 5, secretKey: 128 } };
const versions = { public: 0x0488b21e, private: 0x0488ade4 };
const abandon = `${"abandon ".repeat(11)}about`;

describe("mnemonics (BIP 39)", () => {
  /** With the extension TREZOR, as in the BIP's reference vectors. */
  const vectors: readonly (readonly [entropy: string, words: string, seed: string])[] = [
    [
      "00000000000000000000000000000000",
      abandon,
      "c55257c360c07c72029aebc1b53c05ed0362ada38ead3e3e9efa3708e53495531f09a6987599d18264c1e1c92f2cf141630c7a3c4ab7c81b2f001698e7463b04",
    ],
    [
      "7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f",
      "legal winner thank year wave sausage worth useful legal winner thank yellow",
      "2e8905819b8723fe2c1d161860e5ee1830318dbf49a83bd451cfb8440c28bd6fa457fe1296106559a3c80937a1c1069be3a3a5bd381ee6260e8d9739fce1f607",
    ],
    [
      "ffffffffffffffffffffffffffffffff",
      "zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo wrong",
      "ac27495480225222079d7be181583751e86f571027b0497b5b5d11218e0a8a13332572917f0f8e5a589620c6f15b11c61dee327651a14c34e18231052e48c069",
    ],
    [
      "0000000000000000000000000000000000000000000000000000000000000000",
      `${"abandon ".repeat(23)}art`,
      "bda85446c68413707090a52022edd26a1c9462295029f2e60cd7c4f2bbd3097170af7a4d73245cafa9c3cca8d561a7c3de6f5d4a10be8ed2a5e608d68f92fcc8",
    ],
  ];

  it.each(vectors)("of entropy %s", async (entropy, words, seed) => {
    expect(mnemonicOf(Buffer.from(entropy, "hex"))).toBe(words);
    expect(entropyOf(words).toString("hex")).toBe(entropy);
    expect((await seedOf(entropyOf(words), "TREZOR")).toString("hex")).toBe(seed);
  });

  it("are read however they are spaced, and refused with what is wrong and without the words", () => {
    expect(entropyOf(`  ${abandon.toUpperCase().replaceAll(" ", "\n ")} `).toString("hex")).toBe("00".repeat(16));
    expect(() => entropyOf(abandon.replace("about", "abandon"))).toThrow(/no mnemonic/);
    expect(() => entropyOf("abandon abandon")).toThrow(/no mnemonic/);
    expect(() => entropyOf(`secretword ${abandon}`)).toThrow(/^word 1 is not in BIP 39's English list$/);
  });
});

describe("derivation (BIP 32)", () => {
  it("follows the first two test vectors", () => {
    const one = HDKey.fromMasterSeed(Buffer.from("000102030405060708090a0b0c0d0e0f", "hex"));
    expect(one.derive("m/0'/1/2'/2/1000000000").publicExtendedKey).toBe(
      "xpub6H1LXWLaKsWFhvm6RVpEL9P4KfRZSW7abD2ttkWP3SSQvnyA8FSVqNTEcYFgJS2UaFcxupHiYkro49S8yGasTvXEYBVPamhGW6cFJodrTHy",
    );
    const two = HDKey.fromMasterSeed(
      Buffer.from(
        "fffcf9f6f3f0edeae7e4e1dedbd8d5d2cfccc9c6c3c0bdbab7b4b1aeaba8a5a29f9c999693908d8a8784817e7b7875726f6c696663605d5a5754514e4b484542",
        "hex",
      ),
    );
    expect(two.derive("m/0/2147483647'/1/2147483646'/2").privateExtendedKey).toBe(
      "xprvA2nrNbFZABcdryreWet9Ea4LvTJcGsqrMzxHx98MMrotbir7yrKCEXw7nadnHM8Dq38EGfSh6dqA9QWTyefMLEcBYJUuekgW4BYPJcr9E7j",
    );
  });

  it("keeps leading zeros (test vector 3)", () => {
    const seed =
      "4b381541583be4423346c643850da4b320e46a87ae3d2a4e6da11eba819cd4acba45d239319ac14f863b8d5ab5a0d0c64d2e8a1e7d1457df2e5a3c51c73235be";
    expect(HDKey.fromMasterSeed(Buffer.from(seed, "hex")).derive("m/0'").publicExtendedKey).toBe(
      "xpub68NZiKmJWnxxS6aaHmn81bvJeTESw724CRDs6HbuccFQN9Ku14VQrADWgqbhhTHBaohPX4CjNLf9fq9MYo6oDaPPLPxSb7gwQN3ih19Zm4Y",
    );
  });

  it("of public children agrees with the library that derives private ones", () => {
    const account = HDKey.fromMasterSeed(Buffer.alloc(32, 5)).derive("m/84'/1'/0'");
    const node = accountNode(account.publicExtendedKey, versions);
    for (const branch of branchNumbers) {
      const parent = publicChild(node, branch);
      for (const index of [0, 1, 99, 2 ** 31 - 1]) {
        const expected = account.deriveChild(branch).deriveChild(index);
        expect(publicChild(parent, index)).toEqual({
          publicKey: Buffer.from(expected.publicKey!),
          chainCode: Buffer.from(expected.chainCode!),
        });
      }
    }
  });
});

describe("accounts", () => {
  const ringOf = async () => {
    const seed = await seedOf(entropyOf(abandon), "");
    const { accounts } = deriveAccounts(seed, 0, versions);
    const nodeOf = (purpose: Purpose) => accountNode(accounts[purpose].publicExtendedKey, versions);
    return { accounts, ring: new KeyRing({ 84: nodeOf(84), 86: nodeOf(86) }, noneHandedOut, 5) };
  };

  it("hand out BIP 84's addresses", async () => {
    const { ring, accounts } = await ringOf();
    const owned = [ring.handOut(84, 0), ring.handOut(84, 0), ring.handOut(84, 1)];
    expect(owned.map(({ script }) => addressOfScript(script, main))).toEqual([
      "bc1qcr8te4kr609gcawutmrza0j4xv80jy8z306fyu",
      "bc1qnjg0jd8228aq7egyzacy8cys3knf9xvrerkf9g",
      "bc1q8c6fshw2dlwun7ekn9qwf37cu2rn755upcp6el",
    ]);
    expect(owned[0]!.publicKey.toString("hex")).toBe(
      "0330d54fd0dd420a6e5f8d3624f5f3482cae350f79d5f0753bf5beef9c2d91af3c",
    );
    const privateKey = Buffer.from(accounts[84].deriveChild(0).deriveChild(0).privateKey!);
    expect(encodeWif({ privateKey, compressed: true }, main)).toBe(
      "KyZpNDKnfs94vbrwhJneDi77V6jF64PWPF8x5cdJb8ifgg2DUc9d",
    );
  });

  it("hand out BIP 86's addresses", async () => {
    const { ring } = await ringOf();
    const owned = [ring.handOut(86, 0), ring.handOut(86, 0), ring.handOut(86, 1)];
    expect(owned.map(({ script }) => addressOfScript(script, main))).toEqual([
      "bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr",
      "bc1p4qhjn9zdvkux4e44uhx8tc55attvtyu358kutcqkudyccelu0was9fqzwh",
      "bc1p3qkhfews2uk44qtvauqyr2ttdsw7svhkl9nkm9s9c3x4ax5h60wqwruhk7",
    ]);
    expect(xOnly(owned[0]!.publicKey).toString("hex")).toBe(
      "cc8a4bc64d897bddc5fbc2f670f7a8ba0b386779106cf1223c6fc5d7cd6fc115",
    );
  });

  it("tweak private and public keys alike", async () => {
    const { accounts } = await ringOf();
    for (let index = 0; index < 8; index++) {
      const privateKey = Buffer.from(accounts[86].deriveChild(0).deriveChild(index).privateKey!);
      const tweaked = tweakPublicKey(xOnly(publicKeyOf(privateKey)));
      expect(xOnly(publicKeyOf(tweakPrivateKey(privateKey)))).toEqual(tweaked);
    }
  });
});

describe("a ring", () => {
  const account = HDKey.fromMasterSeed(Buffer.alloc(32, 9));
  const node = accountNode(account.publicExtendedKey, versions);
  const ringOf = (next = noneHandedOut) => new KeyRing({ 84: node, 86: publicChild(node, 7) }, next, 3);

  it("never hands out a key twice, nor one that was paid", () => {
    const ring = ringOf();
    const first = ring.handOut(84, 0);
    ring.markUsed({ purpose: 84, branch: 0, index: 2 });
    const later = ring.handOut(84, 0);
    expect([first.path.index, later.path.index]).toEqual([0, 3]);
    expect(ring.markUsed({ purpose: 84, branch: 0, index: 1 })).toBe(false);
  });

  it("recognises scripts up to the gap limit beyond the last used, and no further", () => {
    const [ring, far] = [ringOf(), ringOf({ 84: [100, 0], 86: [0, 0] })];
    const script = (index: number) => far.at({ purpose: 84, branch: 0, index })!.script;
    expect(ring.ownerOf(script(2))?.path.index).toBe(2);
    expect(ring.ownerOf(script(3))).toBeUndefined();
    ring.markUsed({ purpose: 84, branch: 0, index: 2 });
    expect(ring.ownerOf(script(5))?.path.index).toBe(5);
    expect(ring.ownerOf(script(6))).toBeUndefined();
  });

  it("goes on where the file says", () => {
    const ring = ringOf({ 84: [4, 2], 86: [0, 0] });
    expect([ring.handOut(84, 0).path.index, ring.handOut(84, 1).path.index]).toEqual([4, 2]);
    expect(ring.next()).toEqual({ 84: [5, 3], 86: [0, 0] });
  });
});
