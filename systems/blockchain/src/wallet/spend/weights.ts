/** What inputs and outputs weigh and hence cost (BIP 141), foretold before anything is signed. */
import { compactSizeLength } from "../../primitives/bytes.ts";
import type { TxOutput } from "../../primitives/transaction.ts";
import { isUnspendable, witnessProgram } from "../../script/programs.ts";
import type { Purpose } from "../keys/account.ts";

/** Outpoint, an empty scriptSig and sequence, four units a byte. */
const INPUT_BASE = 41 * 4;
/** Witness of P2WPKH: a count, a signature of at most 71 bytes (low R and S) and a public key. */
const KEY_HASH_WITNESS = 1 + 1 + 71 + 1 + 33;
/** Witness of a taproot key path: a count and a signature of 64 bytes. */
const TAPROOT_WITNESS = 1 + 1 + 64;

export const inputWeight = (purpose: Purpose): number =>
  INPUT_BASE + (purpose === 84 ? KEY_HASH_WITNESS : TAPROOT_WITNESS);

export const outputWeight = (script: Buffer): number => (8 + compactSizeLength(script.length) + script.length) * 4;

/** A transaction with neither its inputs nor the weight of its outputs: version, lock time, counts, marker and flag. */
export const baseWeight = (inputs: number, outputs: number): number =>
  (8 + compactSizeLength(inputs) + compactSizeLength(outputs)) * 4 + 2;

export const virtualSize = (weight: number): number => Math.ceil(weight / 4);

/** Satoshis for a weight at a rate in satoshis per virtual byte. */
export const feeOf = (weight: number, feeRate: number): number => Math.ceil(virtualSize(weight) * feeRate);

/** What nodes relay at most. */
export const HEAVIEST_TRANSACTION = 400_000;

/** Bitcoin Core's rate for dust: an output worth less than what its spending costs at 3 satoshis per byte is not relayed. */
const DUST_FEE_RATE = 3;

/** The lowest value that nodes relay an output with. */
export function dustLimit({ script }: Pick<TxOutput, "script">): number {
  if (isUnspendable(script)) return 0;
  // The signature of a witness input costs a quarter.
  const witness = witnessProgram(script) ? Math.floor(107 / 4) : 107;
  return (8 + compactSizeLength(script.length) + script.length + 32 + 4 + 1 + witness + 4) * DUST_FEE_RATE;
}
