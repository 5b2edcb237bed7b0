/** Rows of Bitcoin Core's script tests: `[[witness…, amount]?, scriptSig, scriptPubKey, flags, expected error, comment?]`. */

import { xOnlyPointAddTweak } from "tiny-secp256k1";
import { type Transaction, txid } from "../../src/primitives/transaction.ts";
import { TransactionChecker } from "../../src/script/checker.ts";
import { parseFlags } from "../../src/script/flags.ts";
import { verifyScript } from "../../src/script/interpreter.ts";
import { Spending } from "../../src/script/spending.ts";
import { tapLeafHash, tapscriptLeafVersion, tapTweakHash } from "../../src/script/taproot.ts";
import { assemble } from "./assembly.ts";

export interface ScriptCase {
  readonly script: Buffer;
  readonly spent: Buffer;
  readonly witness: readonly Buffer[];
  readonly value: number;
  readonly flags: string;
  readonly expected: string;
}

/** The key that stands in for the internal key in rows that leave the making of the output to the test: the generator. */
const internalKey = Buffer.from("79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798", "hex");

const tweakOf = (script: Buffer): Buffer => tapTweakHash(internalKey, tapLeafHash(tapscriptLeafVersion, script));

function tweaked(script: Buffer): { key: Buffer; parity: number } {
  const result = xOnlyPointAddTweak(internalKey, tweakOf(script));
  if (result === null) throw new TypeError("no such point");
  return { key: Buffer.from(result.xOnlyPubkey), parity: result.parity };
}

function readWitness(items: readonly string[]): Buffer[] {
  const witness: Buffer[] = [];
  for (const item of items) {
    const last = witness.at(-1) ?? Buffer.alloc(0);
    if (item.startsWith("#SCRIPT#")) witness.push(assemble(item.slice("#SCRIPT#".length)));
    else if (item === "#CONTROLBLOCK#")
      witness.push(Buffer.concat([Buffer.from([tapscriptLeafVersion | tweaked(last).parity]), internalKey]));
    else witness.push(Buffer.from(item, "hex"));
  }
  return witness;
}

export function readScriptCase(row: readonly unknown[]): ScriptCase {
  const [first, ...rest] = row;
  const hasWitness = Array.isArray(first);
  const items = hasWitness ? (first as (string | number)[]) : [0];
  const [script, spent, flags, expected] = (hasWitness ? rest : row) as string[];
  const witness = readWitness(items.slice(0, -1) as string[]);
  return {
    script: assemble(script as string),
    spent: spent?.includes("#TAPROOTOUTPUT#")
      ? Buffer.concat([Buffer.from([0x51, 0x20]), tweaked(witness.at(-2) as Buffer).key])
      : assemble(spent as string),
    witness,
    value: Math.round(Number(items.at(-1)) * 1e8),
    flags: flags as string,
    expected: expected as string,
  };
}

const crediting = (spent: Buffer, value: number): Transaction => ({
  version: 1,
  inputs: [
    {
      prevout: { hash: Buffer.alloc(32), index: 0xffffffff },
      script: Buffer.from([0, 0]),
      sequence: 0xffffffff,
      witness: [],
    },
  ],
  outputs: [{ value, script: spent }],
  lockTime: 0,
});

const spending = (credit: Transaction, script: Buffer, witness: readonly Buffer[]): Transaction => ({
  version: 1,
  inputs: [{ prevout: { hash: txid(credit), index: 0 }, script, sequence: 0xffffffff, witness }],
  outputs: [{ value: credit.outputs[0]?.value ?? 0, script: Buffer.alloc(0) }],
  lockTime: 0,
});

/** The name of the outcome, `OK` for success. */
export function runScriptCase({ script, spent, witness, value, flags }: ScriptCase): string {
  const credit = crediting(spent, value);
  const checker = new TransactionChecker(new Spending(spending(credit, script, witness), credit.outputs), 0);
  return verifyScript({ script, witness, spent }, parseFlags(flags), checker) ?? "OK";
}
