/** Checks of signatures and lock times for one input of a transaction: what a script asks about the world outside. */
import type { Transaction, TxInput } from "../primitives/transaction.ts";
import { isTweakedKey, verifyEcdsa, verifySchnorr } from "./curve.ts";
import type { ScriptResult } from "./script-error.ts";
import { parseDerLax } from "./signature-encoding.ts";
import { legacySignatureHash, segwitSignatureHash } from "./signature-hash.ts";
import type { Spending } from "./spending.ts";
import { type TapscriptPlace, taprootSignatureHash } from "./taproot.ts";

export interface TaprootContext {
  readonly annex?: Buffer | undefined;
  readonly tapscript?: TapscriptPlace | undefined;
}

/** What an interpreter needs of its input; scripts can be run without a transaction by another implementation. */
export interface Checker {
  /** A signature with its hash type, as it stands in a script. */
  checkEcdsa(signature: Buffer, key: Buffer, scriptCode: Buffer, isWitness: boolean): boolean;
  checkSchnorr(signature: Buffer, key: Buffer, context: TaprootContext): ScriptResult;
  checkTweak(outputKey: Buffer, parity: number, internalKey: Buffer, tweak: Buffer): boolean;
  checkLockTime(lockTime: number): boolean;
  checkSequence(sequence: number): boolean;
}

/** Lock times below are heights, others seconds since 1970. */
export const lockTimeThreshold = 500_000_000;
const finalSequence = 0xffffffff;
/** BIP 68: set when a sequence is no relative lock time. */
export const sequenceDisabled = 0x80000000;
/** BIP 68: set when a relative lock time counts in units of 512 seconds. */
export const sequenceIsTime = 0x00400000;
export const sequenceMask = 0x0000ffff;

/** A signature hash and the part of the script that it is of. */
interface SignedCode {
  readonly code: Buffer;
  readonly hash: Buffer;
}

export class TransactionChecker implements Checker {
  readonly #spending: Spending;
  readonly #index: number;
  /**
   * The last hash of each hash type: a script with many signatures mostly signs the same, and without, one of a megabyte before segwit
   * could make this input hash it for every signature and key. At most 512 entries.
   */
  #hashes: Map<number, SignedCode> | undefined;

  constructor(spending: Spending, index: number) {
    this.#spending = spending;
    this.#index = index;
  }

  checkEcdsa(signature: Buffer, key: Buffer, scriptCode: Buffer, isWitness: boolean): boolean {
    const hashType = signature.at(-1);
    const compact = hashType === undefined ? undefined : parseDerLax(signature.subarray(0, -1));
    if (hashType === undefined || compact === undefined) return false;
    return verifyEcdsa(this.#signedHash(scriptCode, hashType, isWitness), key, compact);
  }

  checkSchnorr(signature: Buffer, key: Buffer, context: TaprootContext): ScriptResult {
    if (signature.length !== 64 && signature.length !== 65) return "SCHNORR_SIG_SIZE";
    const hashType = signature[64] ?? 0;
    if (signature.length === 65 && hashType === 0) return "SCHNORR_SIG_HASHTYPE";
    const hash = taprootSignatureHash(this.#spending, { index: this.#index, hashType, ...context });
    if (hash === undefined) return "SCHNORR_SIG_HASHTYPE";
    return verifySchnorr(hash, key, signature) ? undefined : "SCHNORR_SIG";
  }

  checkTweak(outputKey: Buffer, parity: number, internalKey: Buffer, tweak: Buffer): boolean {
    return isTweakedKey(outputKey, parity, internalKey, tweak);
  }

  /** BIP 65: the transaction's lock time is of the same kind and not below, and this input doesn't switch it off. */
  checkLockTime(lockTime: number): boolean {
    const { tx } = this.#spending;
    if (tx.lockTime < lockTimeThreshold !== lockTime < lockTimeThreshold) return false;
    return lockTime <= tx.lockTime && (tx.inputs[this.#index] as TxInput).sequence !== finalSequence;
  }

  /** BIP 112: this input's relative lock time is of the same kind and not below. */
  checkSequence(sequence: number): boolean {
    const { tx } = this.#spending;
    const own = (tx.inputs[this.#index] as TxInput).sequence;
    if (!hasRelativeLocks(tx) || (own & sequenceDisabled) !== 0) return false;
    if ((own & sequenceIsTime) !== (sequence & sequenceIsTime)) return false;
    return (sequence & sequenceMask) <= (own & sequenceMask);
  }

  #signedHash(code: Buffer, hashType: number, isWitness: boolean): Buffer {
    const place = isWitness ? hashType + 256 : hashType;
    const known = this.#hashes?.get(place);
    if (known?.code.equals(code)) return known.hash;
    const hash = isWitness
      ? segwitSignatureHash(this.#spending, this.#index, code, hashType)
      : legacySignatureHash(this.#spending.tx, this.#index, code, hashType);
    this.#hashes ??= new Map();
    this.#hashes.set(place, { code, hash });
    return hash;
  }
}

/** BIP 68 is for transactions of version 2 and above. */
export const hasRelativeLocks = (tx: Transaction): boolean => tx.version >= 2;
