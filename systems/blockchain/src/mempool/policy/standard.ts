/** What nodes pass on by default: less than blocks may hold, so that later rules and other people's resources are safe (Bitcoin Core's policy). */
import type { Coin } from "../../chain/types.ts";
import { type Transaction, type TxOutput, txWeight } from "../../primitives/transaction.ts";
import { op } from "../../script/opcodes.ts";
import { isPushOnly } from "../../script/parse.ts";
import { isPayToAnchor, isPayToScriptHash, isUnspendable, witnessProgram } from "../../script/programs.ts";
import { lastPush, sigOpCount } from "../../script/sigops.ts";
import { feeAt } from "./policy.ts";

/** A reason in Bitcoin Core's words; undefined: standard. */
export type NonStandard = string | undefined;

/** Version 3 stands for limits on relatives that are not kept here, so it waits for who keeps them. */
const MAX_VERSION = 2;
const MAX_WEIGHT = 400_000;
const MAX_INPUT_SCRIPT = 1650;
/** Of the whole script. */
export const MAX_DATA_BYTES = 83;
const MAX_P2SH_SIGOPS = 15;

export function checkStandard(tx: Transaction, dustFeeRate: number): NonStandard {
  if (tx.version < 1 || tx.version > MAX_VERSION) return "version";
  if (txWeight(tx) > MAX_WEIGHT) return "tx-size";
  for (const { script } of tx.inputs) {
    if (script.length > MAX_INPUT_SCRIPT) return "scriptsig-size";
    if (!isPushOnly(script)) return "scriptsig-not-pushonly";
  }
  return checkOutputs(tx.outputs, dustFeeRate);
}

function checkOutputs(outputs: readonly TxOutput[], dustFeeRate: number): NonStandard {
  let dataOutputs = 0;
  for (const output of outputs) {
    const kind = kindOf(output.script);
    if (kind === "nonstandard") return "scriptpubkey";
    if (kind === "data") dataOutputs++;
    if (isDust(output, dustFeeRate)) return "dust";
  }
  return dataOutputs > 1 ? "multi-op-return" : undefined;
}

type Kind = "pubkey" | "pubkeyhash" | "scripthash" | "multisig" | "data" | "witness" | "anchor" | "nonstandard";

const isKeyPush = (script: Buffer, at: number): number => {
  const size = script[at];
  return size === 33 || size === 65 ? size + 1 : 0;
};

export function kindOf(script: Buffer): Kind {
  if (isPayToAnchor(script)) return "anchor";
  if (witnessProgram(script)) return "witness";
  if (isPayToScriptHash(script)) return "scripthash";
  if (isPubKeyHash(script)) return "pubkeyhash";
  if (script[0] === op.OP_RETURN) {
    return script.length <= MAX_DATA_BYTES && isPushOnly(script.subarray(1)) ? "data" : "nonstandard";
  }
  const key = isKeyPush(script, 0);
  if (key > 0 && script.length === key + 1 && script[key] === op.OP_CHECKSIG) return "pubkey";
  return isSmallMultisig(script) ? "multisig" : "nonstandard";
}

const isPubKeyHash = (script: Buffer): boolean =>
  script.length === 25 &&
  script[0] === op.OP_DUP &&
  script[1] === op.OP_HASH160 &&
  script[2] === 20 &&
  script[23] === op.OP_EQUALVERIFY &&
  script[24] === op.OP_CHECKSIG;

/** Bare, of up to three keys. */
function isSmallMultisig(script: Buffer): boolean {
  if (script.at(-1) !== op.OP_CHECKMULTISIG) return false;
  let at = 1;
  let keys = 0;
  for (let size = isKeyPush(script, at); size > 0; size = isKeyPush(script, at)) {
    at += size;
    keys++;
  }
  const needed = (script[0] ?? 0) - op.OP_1 + 1;
  const announced = (script[at] ?? 0) - op.OP_1 + 1;
  return keys >= 1 && keys <= 3 && announced === keys && needed >= 1 && needed <= keys && at + 2 === script.length;
}

const LEGACY_SPEND_BYTES = 148;
const WITNESS_SPEND_BYTES = 67;

/** Whether spending the output costs more than it is worth at this rate. */
export function isDust({ value, script }: TxOutput, dustFeeRate: number): boolean {
  if (isUnspendable(script) || isPayToAnchor(script)) return false;
  const outputBytes = 8 + 1 + script.length;
  const spendBytes = witnessProgram(script) ? WITNESS_SPEND_BYTES : LEGACY_SPEND_BYTES;
  return value < feeAt(dustFeeRate, outputBytes + spendBytes);
}

/** What is spent must be of a known kind too. */
export function checkStandardInputs(tx: Transaction, coins: readonly Coin[]): NonStandard {
  for (const [i, input] of tx.inputs.entries()) {
    const { script } = coins[i] as Coin;
    const kind = kindOf(script);
    if (kind === "nonstandard" || kind === "data" || isUnknownWitness(script)) return "bad-txns-nonstandard-inputs";
    if (kind !== "scripthash") continue;
    const redeem = lastPush(input.script);
    if (redeem && sigOpCount(redeem, true) > MAX_P2SH_SIGOPS) return "bad-txns-nonstandard-inputs";
  }
  return tx.inputs.some(
    ({ witness }, i) => !isStandardWitness(witness, (coins[i] as Coin).script, tx.inputs[i]!.script),
  )
    ? "bad-witness-nonstandard"
    : undefined;
}

function isUnknownWitness(script: Buffer): boolean {
  const program = witnessProgram(script);
  return program !== undefined && program.version > 1;
}

const MAX_WITNESS_SCRIPT = 3600;
const MAX_WITNESS_ITEMS = 100;
const MAX_WITNESS_ITEM = 80;
const ANNEX = 0x50;
const TAPSCRIPT_LEAF = 0xc0;

function isStandardWitness(witness: readonly Buffer[], spent: Buffer, inputScript: Buffer): boolean {
  if (witness.length === 0) return true;
  if (isPayToAnchor(spent)) return false;
  const nested = isPayToScriptHash(spent);
  const program = witnessProgram(nested ? (lastPush(inputScript) ?? spent) : spent);
  if (!program) return false;
  if (program.version === 0 && program.program.length === 32) return isStandardScriptHash(witness);
  return program.version === 1 && program.program.length === 32 && !nested ? isStandardTaproot(witness) : true;
}

function isStandardScriptHash(witness: readonly Buffer[]): boolean {
  const items = witness.slice(0, -1);
  return (
    (witness.at(-1) as Buffer).length <= MAX_WITNESS_SCRIPT &&
    items.length <= MAX_WITNESS_ITEMS &&
    items.every((item) => item.length <= MAX_WITNESS_ITEM)
  );
}

function isStandardTaproot(witness: readonly Buffer[]): boolean {
  const last = witness.at(-1) as Buffer;
  if (witness.length >= 2 && last[0] === ANNEX) return false;
  if (witness.length < 2) return true;
  const leaf = (last[0] ?? 0) & 0xfe;
  return leaf !== TAPSCRIPT_LEAF || witness.slice(0, -2).every((item) => item.length <= MAX_WITNESS_ITEM);
}
