import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { decodeWif } from "../../src/address/wif.ts";
import { regtest } from "../../src/consensus/params.ts";
import { hash160 } from "../../src/primitives/hash.ts";
import { encodeTransaction } from "../../src/primitives/transaction.ts";
import { WalletError } from "../../src/wallet/errors.ts";
import { publicKeyOf, signEcdsaPlainly } from "../../src/wallet/keys/signatures.ts";
import { combinePsbts } from "../../src/wallet/psbt/combine.ts";
import { globalField, inputField } from "../../src/wallet/psbt/fields.ts";
import { extractTransaction, finalizePsbt } from "../../src/wallet/psbt/finalize.ts";
import { createPsbt, decodePsbt, encodePsbt, formatPsbt, type Psbt, parsePsbt } from "../../src/wallet/psbt/psbt.ts";
import { type KeySource, signPsbt } from "../../src/wallet/psbt/sign.ts";

interface Vectors {
  readonly invalid: readonly string[];
  readonly valid: readonly string[];
}
const vectors: {
  readonly bip174: Vectors & {
    readonly notToBeSigned: readonly string[];
    readonly workflow: Readonly<Record<string, string>>;
  };
  readonly bip371: Vectors;
} = JSON.parse(readFileSync(join(import.meta.dirname, "vectors/psbt.json"), "utf8"));
const { workflow } = vectors.bip174;

/** Fields in any order within a map: writers need not sort them. */
const sameAs = (text: string) => formatPsbt(parsePsbt(text));

const keysOf = (...wifs: string[]): KeySource => {
  const privateKeys = wifs.map((wif) => decodeWif(wif, regtest).privateKey);
  return (publicKey, use) => {
    const found = privateKeys.find((privateKey) => publicKeyOf(privateKey).equals(publicKey));
    return found && use(found);
  };
};
const anyKey: KeySource = (_, use) => use(Buffer.alloc(32, 1));

describe("reading", { timeout: 60_000 }, () => {
  it.each([...vectors.bip174.invalid, ...vectors.bip371.invalid].map((text, at) => [at, text] as const))(
    "refuses the BIPs' invalid case %i",
    (_, text) => {
      expect(() => parsePsbt(text)).toThrow(expect.objectContaining({ code: "bad-psbt" }));
    },
  );

  it.each([...vectors.bip174.valid, ...vectors.bip371.valid].map((text, at) => [at, text] as const))(
    "takes the BIPs' valid case %i and writes what it read",
    (_, text) => {
      const once = encodePsbt(parsePsbt(text));
      expect(encodePsbt(decodePsbt(once))).toEqual(once);
      expect(once).toHaveLength(Buffer.from(text, "base64").length);
    },
  );

  it("refuses versions that it does not know, and what is no base64", () => {
    const version = Buffer.alloc(4);
    version.writeUInt32LE(2);
    const psbt = parsePsbt(workflow["created"]!);
    expect(() => decodePsbt(encodePsbt({ ...psbt, global: psbt.global.with(globalField.version, version) }))).toThrow(
      /version number 2/,
    );
    expect(() => parsePsbt("cHNi*")).toThrow(/base64/);
  });

  it("of altered bytes throws nothing but its own error", () => {
    const original = Buffer.from(workflow["combined"]!, "base64");
    let state = 12345;
    const random = (n: number): number => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return Math.floor((state / 2 ** 32) * n);
    };
    for (let round = 0; round < 1500; round++) {
      const bytes = Buffer.from(original.subarray(0, random(4) === 0 ? random(original.length) : original.length));
      for (let flips = 1 + random(4); flips > 0 && bytes.length > 0; flips--) bytes[random(bytes.length)] = random(256);
      try {
        const psbt = decodePsbt(bytes);
        expect(encodePsbt(decodePsbt(encodePsbt(psbt)))).toEqual(encodePsbt(psbt));
        finalizePsbt(signPsbt(psbt, anyKey));
      } catch (error) {
        expect(error).toBeInstanceOf(WalletError);
      }
    }
  });
});

describe("the workflow of BIP 174", () => {
  const updated = parsePsbt(workflow["typed"]!);

  it("is created", () => {
    expect(formatPsbt(createPsbt(updated.transaction))).toBe(workflow["created"]);
  });

  it.each([
    [
      "signedFirst",
      "cP53pDbR5WtAD8dYAW9hhTjuvvTVaEiQBdrz9XPrgLBeRFiyCbQr",
      "cR6SXDoyfQrcp4piaiHE97Rsgta9mNhGTen9XeonVgwsh4iSgw6d",
    ],
    [
      "signedSecond",
      "cT7J9YpCwY3AVRFSjN6ukeEeWY6mhpbJPxRaDaP5QTdygQRxP9Au",
      "cNBc3SWUip9PPm1GjRoLEJT6T41iNzCYtD7qro84FMnM5zEqeJsE",
    ],
  ] as const)("is signed (%s)", (name, ...wifs) => {
    expect(formatPsbt(signPsbt(updated, keysOf(...wifs), { ecdsa: signEcdsaPlainly }))).toBe(sameAs(workflow[name]!));
  });

  it("is combined", () => {
    const parts = [parsePsbt(workflow["signedFirst"]!), parsePsbt(workflow["signedSecond"]!)];
    expect(formatPsbt(combinePsbts(parts))).toBe(sameAs(workflow["combined"]!));
    expect(formatPsbt(combinePsbts(parts.toReversed()))).toBe(sameAs(workflow["combined"]!));
  });

  it("is finalized and extracted", () => {
    const { psbt, complete } = finalizePsbt(parsePsbt(workflow["combined"]!));
    expect(complete).toBe(true);
    expect(formatPsbt(psbt)).toBe(sameAs(workflow["finalized"]!));
    expect(encodeTransaction(extractTransaction(psbt)!).toString("hex")).toBe(workflow["extractedHex"]);
  });

  it("keeps what it does not know when combining", () => {
    const parts = [parsePsbt(workflow["unknownA"]!), parsePsbt(workflow["unknownB"]!)];
    expect(formatPsbt(combinePsbts(parts))).toBe(workflow["unknownCombined"]);
  });

  it("is not final with too few signatures, nor extracted", () => {
    const { psbt, complete } = finalizePsbt(parsePsbt(workflow["signedFirst"]!));
    expect(complete).toBe(false);
    expect(extractTransaction(psbt)).toBeUndefined();
  });

  it("is not final with a signature that is wrong", () => {
    const combined = parsePsbt(workflow["combined"]!);
    const broken: Psbt = {
      ...combined,
      inputs: combined.inputs.map((map) => {
        const [first, second] = map.all(inputField.partialSignature);
        return map.with(inputField.partialSignature, first!.value, second!.keyData);
      }),
    };
    expect(finalizePsbt(broken).complete).toBe(false);
  });
});

describe("a signer", () => {
  it.each(vectors.bip174.notToBeSigned.map((text, at) => [at, text] as const))(
    "refuses what must not be signed (case %i of BIP 174)",
    (_, text) => {
      expect(() => signPsbt(parsePsbt(text), anyKey)).toThrow(expect.objectContaining({ code: "bad-psbt" }));
    },
  );

  it("refuses types that commit to less than everything unless asked", () => {
    const none = Buffer.alloc(4);
    none.writeUInt32LE(2);
    const updated = parsePsbt(workflow["typed"]!);
    const psbt = { ...updated, inputs: updated.inputs.map((map) => map.with(inputField.sighashType, none)) };
    const keys = keysOf("cP53pDbR5WtAD8dYAW9hhTjuvvTVaEiQBdrz9XPrgLBeRFiyCbQr");
    expect(() => signPsbt(psbt, keys)).toThrow(/sighash/);
    expect(signPsbt(psbt, keys, { sighashType: 2 }).inputs[0]!.all(inputField.partialSignature)[0]?.value.at(-1)).toBe(
      2,
    );
  });

  it("combines only PSBTs of one transaction", () => {
    const [a, b] = [parsePsbt(workflow["created"]!), parsePsbt(workflow["unknownA"]!)];
    expect(() => combinePsbts([a, b])).toThrow(/different transactions/);
    expect(() => combinePsbts([])).toThrow(WalletError);
  });

  it("signs P2SH-P2WPKH, which is finalized with its redeem script", () => {
    const privateKey = Buffer.alloc(32, 3);
    const publicKey = publicKeyOf(privateKey);
    const redeem = Buffer.concat([Buffer.of(0, 20), hash160(publicKey)]);
    const script = Buffer.concat([Buffer.of(0xa9, 20), hash160(redeem), Buffer.of(0x87)]);
    const output = Buffer.concat([Buffer.from("00e1f50500000000", "hex"), Buffer.of(script.length), script]);
    const empty = createPsbt({
      version: 2,
      inputs: [{ prevout: { hash: Buffer.alloc(32, 4), index: 1 }, script: Buffer.alloc(0), sequence: 0, witness: [] }],
      outputs: [{ value: 1000, script }],
      lockTime: 0,
    });
    const map = empty.inputs[0]!.with(inputField.witnessUtxo, output)
      .with(inputField.redeemScript, redeem)
      .with(inputField.derivation, Buffer.alloc(4), publicKey);
    const { psbt, complete } = finalizePsbt(signPsbt({ ...empty, inputs: [map] }, (_, use) => use(privateKey)));
    expect(complete).toBe(true);
    expect(extractTransaction(psbt)!.inputs[0]!.script).toEqual(Buffer.concat([Buffer.of(22), redeem]));
  });
});
