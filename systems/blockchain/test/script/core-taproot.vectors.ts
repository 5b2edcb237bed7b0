/**
 * Published vectors of taproot: BIP 340's signatures, BIP 341's wallet vectors, and the many inputs that Bitcoin Core's functional test of
 * taproot made (script_assets_test.json, or a folder taproot-ref with one input per file).
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ByteReader } from "../../src/primitives/bytes.ts";
import { decodeTransaction, readOutput, type TxOutput } from "../../src/primitives/transaction.ts";
import { TransactionChecker } from "../../src/script/checker.ts";
import { verifySchnorr } from "../../src/script/curve.ts";
import { parseFlags } from "../../src/script/flags.ts";
import { verifyScript } from "../../src/script/interpreter.ts";
import { Spending } from "../../src/script/spending.ts";
import { tapBranchHash, tapLeafHash, taprootSignatureHash, tapTweakHash } from "../../src/script/taproot.ts";
import { vectorPath } from "./core-vectors.ts";

const hex = (text: string): Buffer => Buffer.from(text, "hex");

const signatures = vectorPath("bip340_test_vectors.csv");
const wallet = vectorPath("bip341_wallet_vectors.json");
const assetFile = vectorPath("script_assets_test.json");
const assetFolder = vectorPath("taproot-ref");

describe.skipIf(signatures === undefined)("bip340_test_vectors.csv", () => {
  test("each signature over 32 bytes is valid or not, as said", () => {
    const rows = readFileSync(signatures as string, "utf8")
      .trim()
      .split("\n")
      .slice(1)
      .map((line) => line.split(","))
      // Scripts sign hashes; messages of other lengths don't come up.
      .filter((columns) => columns[4]?.length === 64);
    expect(rows.length).toBeGreaterThanOrEqual(15);
    for (const [index, , key = "", , message = "", signature = "", result] of rows) {
      expect([index, verifySchnorr(hex(message), hex(key), hex(signature))]).toEqual([index, result === "TRUE"]);
    }
    console.info(`bip340_test_vectors.csv: ${rows.length} signatures`);
  });
});

interface Leaf {
  readonly id: number;
  readonly script: string;
  readonly leafVersion: number;
}

type Tree = Leaf | readonly [Tree, Tree];

const isLeaf = (tree: Tree): tree is Leaf => "id" in tree;

const rootOf = (tree: Tree): Buffer =>
  isLeaf(tree) ? tapLeafHash(tree.leafVersion, hex(tree.script)) : tapBranchHash(rootOf(tree[0]), rootOf(tree[1]));

interface WalletVectors {
  readonly scriptPubKey: readonly {
    readonly given: { readonly internalPubkey: string; readonly scriptTree: Tree | null };
    readonly intermediary: { readonly merkleRoot: string | null; readonly tweak: string };
  }[];
  readonly keyPathSpending: readonly {
    readonly given: {
      readonly rawUnsignedTx: string;
      readonly utxosSpent: readonly { readonly scriptPubKey: string; readonly amountSats: number }[];
    };
    readonly intermediary: Readonly<Record<string, string>>;
    readonly inputSpending: readonly {
      readonly given: { readonly txinIndex: number; readonly hashType: number };
      readonly intermediary: { readonly sigHash: string };
      readonly expected: { readonly witness: readonly string[] };
    }[];
  }[];
}

describe.skipIf(wallet === undefined)("bip341_wallet_vectors.json", () => {
  const vectors = (): WalletVectors => JSON.parse(readFileSync(wallet as string, "utf8"));

  test("roots and tweaks", () => {
    for (const { given, intermediary } of vectors().scriptPubKey) {
      const root = given.scriptTree === null ? undefined : rootOf(given.scriptTree);
      expect(root?.toString("hex") ?? null).toBe(intermediary.merkleRoot);
      expect(tapTweakHash(hex(given.internalPubkey), root).toString("hex")).toBe(intermediary.tweak);
    }
  });

  test("signature hashes, and signatures by the output's key", () => {
    for (const { given, intermediary, inputSpending } of vectors().keyPathSpending) {
      const spent = given.utxosSpent.map((out) => ({ value: out.amountSats, script: hex(out.scriptPubKey) }));
      const spending = new Spending(decodeTransaction(hex(given.rawUnsignedTx)), spent);
      expect(spending.amounts.toString("hex")).toBe(intermediary.hashAmounts);
      expect(spending.scripts.toString("hex")).toBe(intermediary.hashScriptPubkeys);
      for (const { given: input, intermediary: expected, expected: result } of inputSpending) {
        const hash = taprootSignatureHash(spending, { index: input.txinIndex, hashType: input.hashType });
        expect(hash?.toString("hex")).toBe(expected.sigHash);
        const checker = new TransactionChecker(spending, input.txinIndex);
        const key = (spent[input.txinIndex] as TxOutput).script.subarray(2);
        expect(checker.checkSchnorr(hex(result.witness[0] as string), key, {})).toBeUndefined();
      }
    }
  });
});

interface Spend {
  readonly scriptSig: string;
  readonly witness: readonly string[];
}

interface Asset {
  readonly tx: string;
  readonly prevouts: readonly string[];
  readonly index: number;
  readonly flags: string;
  readonly comment: string;
  readonly final?: boolean;
  readonly success?: Spend;
  readonly failure?: Spend;
}

function readAssets(): Asset[] {
  if (assetFile !== undefined) return JSON.parse(readFileSync(assetFile, "utf8"));
  return readdirSync(assetFolder as string).map((name) => {
    const text = readFileSync(join(assetFolder as string, name), "utf8").trim();
    return JSON.parse(text.replace(/,$/, ""));
  });
}

const soft = [
  "P2SH",
  "DERSIG",
  "CHECKLOCKTIMEVERIFY",
  "CHECKSEQUENCEVERIFY",
  "WITNESS",
  "NULLDUMMY",
  "TAPROOT",
] as const;

/** All sets of soft forks that make sense: WITNESS needs P2SH, TAPROOT needs WITNESS. */
const combinations = Array.from({ length: 1 << soft.length }, (_, bits) => soft.filter((_, i) => bits & (1 << i)))
  .filter((set) => !set.includes("WITNESS") || set.includes("P2SH"))
  .filter((set) => !set.includes("TAPROOT") || set.includes("WITNESS"))
  .map((set) => parseFlags(set.join(",")));

function passes(asset: Asset, spend: Spend, flags: number): boolean {
  const tx = decodeTransaction(hex(asset.tx));
  const spent = asset.prevouts.map((bytes) => readOutput(new ByteReader(hex(bytes))));
  const checker = new TransactionChecker(new Spending(tx, spent), asset.index);
  const { script } = spent[asset.index] as TxOutput;
  const input = { script: hex(spend.scriptSig), witness: spend.witness.map(hex), spent: script };
  return verifyScript(input, flags, checker) === undefined;
}

describe.skipIf(assetFile === undefined && assetFolder === undefined)("inputs of Bitcoin Core's taproot test", () => {
  test("each passes or fails by every set of rules that it should", { timeout: 300_000 }, () => {
    const assets = readAssets();
    expect(assets.length).toBeGreaterThan(1000);
    const wrong: string[] = [];
    let checks = 0;
    for (const asset of assets) {
      const own = parseFlags(asset.flags);
      for (const flags of combinations) {
        const { success, failure } = asset;
        if (success && (asset.final || (flags & own) === flags)) {
          checks += 1;
          if (!passes(asset, success, flags)) wrong.push(`failed: ${asset.comment} by ${flags}`);
        }
        if (failure && (flags & own) === own) {
          checks += 1;
          if (passes(asset, failure, flags)) wrong.push(`passed: ${asset.comment} by ${flags}`);
        }
      }
    }
    expect(wrong.slice(0, 20)).toEqual([]);
    console.info(`taproot: ${assets.length} inputs, ${checks} checks`);
  });
});
