/** Checks of signatures and lock times for one input of a transaction: what a script asks about the world outside. */
import type { Transaction, TxInput } from "../primitives/transaction.ts";
import { isTweakedKey, verifyEcdsa, verifySchnorr } from "./curve.ts";
import type { ScriptResult } from "./script-error.ts";
import { parseDerLax } from "./signature-encoding.ts";
import { legacySignatureHash, segwitSignatureHash } from "./signature-hash.ts";
import type { Spending } from "./spending.ts";
import { type TapscriptPlace, taprootSignatureHash } from "./taproot.ts";

/** Remembers signatures that were valid. */
export interface SignatureCache {
  has(hash: Buffer, key: Buffer, signature: Buffer): boolean;
  add(hash: Buffer, key: Buffer, signature: Buffer): void;
}

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

const lockTimeThreshold = 500_000_000;
const finalSequence = 0xffffffff;
/** BIP 68: set when a sequence is no relative lock time. */
export const sequenceDisabled = 0x80000000;
/** BIP 68: set when a relative lock time counts in units of 512 seconds. */
export const sequenceIsTime = 0x00400000;
export const sequenceMask = 0x0000ffff;

export class TransactionChecker implements Checker {
  readonly #spending: Spending;
  readonly #index: number;
  readonly #cache: SignatureCache | undefined;

  constructor(spending: Spending, index: number, cache?: SignatureCache) {
    this.#spending = spending;
    this.#index = index;
    this.#cache = cache;
  }

  checkEcdsa(signature: Buffer, key: Buffer, scriptCode: Buffer, isWitness: boolean): boolean {
    const hashType = signature.at(-1);
    const compact = hashType === undefined ? undefined : parseDerLax(signature.subarray(0, -1));
    if (hashType === undefined || compact === undefined) return false;
    const hash = isWitness
      ? segwitSignatureHash(this.#spending, this.#index, scriptCode, hashType)
      : legacySignatureHash(this.#spending.tx, this.#index, scriptCode, hashType);
    return this.#cached(hash, key, signature, () => verifyEcdsa(hash, key, compact));
  }

  checkSchnorr(signature: Buffer, key: Buffer, context: TaprootContext): ScriptResult {
    if (signature.length !== 64 && signature.length !== 65) return "SCHNORR_SIG_SIZE";
    const hashType = signature[64] ?? 0;
    if (signature.length === 65 && hashType === 0) return "SCHNORR_SIG_HASHTYPE";
    const hash = taprootSignatureHash(this.#spending, { index: this.#index, hashType, ...context });
    if (hash === undefined) return "SCHNORR_SIG_HASHTYPE";
    const sig = signature.subarray(0, 64);
    return this.#cached(hash, key, sig, () => verifySchnorr(hash, key, sig)) ? undefined : "SCHNORR_SIG";
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

  #cached(hash: Buffer, key: Buffer, signature: Buffer, verify: () => boolean): boolean {
    const cache = this.#cache;
    if (cache === undefined) return verify();
    if (cache.has(hash, key, signature)) return true;
    const valid = verify();
    if (valid) cache.add(hash, key, signature);
    return valid;
  }
}

/** BIP 68 is for transactions of version 2 and above. */
export const hasRelativeLocks = (tx: Transaction): boolean => tx.version >= 2;
