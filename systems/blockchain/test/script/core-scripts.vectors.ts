/** Bitcoin Core's published vectors for scripts, transactions and signature hashes, all of them. */
import { describe, expect, test } from "vitest";
import { hashText } from "../../src/primitives/hash.ts";
import { decodeTransaction } from "../../src/primitives/transaction.ts";
import { parseFlags, scriptFlag } from "../../src/script/flags.ts";
import { legacySignatureHash } from "../../src/script/signature-hash.ts";
import { rowsOf, vectorPath } from "./core-vectors.ts";
import { readScriptCase, runScriptCase } from "./script-cases.ts";
import { fillFlags, isWellFormed, readTransactionCase, scriptsPass, trimFlags } from "./transaction-cases.ts";

/** Every rule that a flag stands for. */
const everything = Object.values(scriptFlag).reduce((bits, flag) => bits | flag, 0);
const singleFlags = Object.values(scriptFlag);

const scripts = vectorPath("script_tests.json");
const valid = vectorPath("tx_valid.json");
const invalid = vectorPath("tx_invalid.json");
const hashes = vectorPath("sighash.json");

/** Rows on which `check` does not say `expected`, so that a failure names them all. */
function wrongRows(rows: readonly unknown[][], isRight: (row: unknown[]) => boolean): string[] {
  return rows.filter((row) => !isRight(row)).map((row) => JSON.stringify(row).slice(0, 400));
}

/** What releases of Bitcoin Core before 32 called some outcomes in their script_tests.json. */
const formerName: Readonly<Record<string, string>> = {
  SCRIPTNUM: "UNKNOWN_ERROR",
  TAPSCRIPT_EMPTY_PUBKEY: "PUBKEYTYPE",
  INVALID_STACK_OPERATION: "UNBALANCED_CONDITIONAL",
};

describe.skipIf(scripts === undefined)("script_tests.json", () => {
  test("each script ends as expected", () => {
    const rows = rowsOf(scripts as string);
    expect(rows.length).toBeGreaterThan(1000);
    const wrong = rows.flatMap((row) => {
      const testCase = readScriptCase(row);
      const outcome = runScriptCase(testCase);
      const isExpected = [outcome, formerName[outcome]].includes(testCase.expected);
      return isExpected ? [] : [`${outcome}: ${JSON.stringify(row).slice(0, 300)}`];
    });
    expect(wrong).toEqual([]);
    console.info(`script_tests.json: ${rows.length} scripts`);
  });
});

describe.skipIf(valid === undefined)("tx_valid.json", () => {
  const rows = () => rowsOf(valid as string).filter((row) => Array.isArray(row[0]));

  test("each transaction passes with all flags but those excluded, and with fewer", () => {
    const wrong = wrongRows(rows(), (row) => {
      const testCase = readTransactionCase(row);
      const flags = everything & ~parseFlags(testCase.flags);
      if (!isWellFormed(testCase) || !scriptsPass(testCase, flags)) return false;
      return singleFlags.every((flag) => scriptsPass(testCase, trimFlags(flags & ~flag)));
    });
    expect(wrong).toEqual([]);
    console.info(`tx_valid.json: ${rows().length} transactions`);
  });

  test("no excluded flag is needless", () => {
    const wrong = wrongRows(rows(), (row) => {
      const testCase = readTransactionCase(row);
      const excluded = parseFlags(testCase.flags);
      const fewer = new Set(singleFlags.map((flag) => trimFlags(excluded & ~flag)).filter((bits) => bits !== excluded));
      return [...fewer].every((bits) => !scriptsPass(testCase, everything & ~bits));
    });
    expect(wrong).toEqual([]);
  });
});

describe.skipIf(invalid === undefined)("tx_invalid.json", () => {
  test("each transaction fails with its flags, with more, and not with fewer", () => {
    const rows = rowsOf(invalid as string).filter((row) => Array.isArray(row[0]));
    const wrong = wrongRows(rows, (row) => {
      const testCase = readTransactionCase(row);
      if (!isWellFormed(testCase)) return testCase.flags === "BADTX";
      const flags = parseFlags(testCase.flags);
      if (scriptsPass(testCase, flags)) return false;
      if (singleFlags.some((flag) => scriptsPass(testCase, fillFlags(flags | flag)))) return false;
      const fewer = singleFlags.map((flag) => trimFlags(flags & ~flag)).filter((bits) => bits !== flags);
      return fewer.every((bits) => scriptsPass(testCase, bits));
    });
    expect(wrong).toEqual([]);
    console.info(`tx_invalid.json: ${rows.length} transactions`);
  });
});

describe.skipIf(hashes === undefined)("sighash.json", () => {
  test("each transaction signs the hash expected", () => {
    const rows = rowsOf(hashes as string) as [string, string, number, number, string][];
    const wrong = wrongRows(rows, (row) => {
      const [tx, script, index, hashType, expected] = row as (typeof rows)[number];
      const decoded = decodeTransaction(Buffer.from(tx, "hex"));
      return hashText(legacySignatureHash(decoded, index, Buffer.from(script, "hex"), hashType)) === expected;
    });
    expect(wrong).toEqual([]);
    console.info(`sighash.json: ${rows.length} hashes`);
  });
});
