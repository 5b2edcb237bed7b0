/** A wallet as updater and signer of transactions that others may have made. */
import { hashKey } from "../primitives/hash.ts";
import { type OutPoint, outPointKey, type Transaction, type TxOutput } from "../primitives/transaction.ts";
import { TransactionChecker } from "../script/checker.ts";
import { standardFlags } from "../script/flags.ts";
import { verifyScript } from "../script/interpreter.ts";
import { Spending } from "../script/spending.ts";
import { WalletError } from "./errors.ts";
import type { Keychain } from "./keys/keychain.ts";
import type { KeyRing } from "./keys/ring.ts";
import { extractTransaction, finalizePsbt, finalUnlocking } from "./psbt/finalize.ts";
import { createPsbt, formatPsbt, type Psbt, parsePsbt } from "./psbt/psbt.ts";
import { type KeySource, signPsbt } from "./psbt/sign.ts";
import { type Knowledge, updatePsbt } from "./psbt/update.ts";
import type { Payer, PlanOptions } from "./spend/payer.ts";
import type { SpendView } from "./spend/spender.ts";
import type { Payment } from "./types.ts";

export interface FundedPsbt {
  readonly psbt: string;
  readonly fee: number;
  /** The place of the change; -1 for none. */
  readonly changeIndex: number;
}

export interface ProcessOptions {
  readonly sign?: boolean | undefined;
  readonly sighashType?: number | undefined;
  readonly finalize?: boolean | undefined;
  /** Tell the derivation paths of our keys. */
  readonly withPaths?: boolean | undefined;
}

export interface ProcessedPsbt {
  readonly psbt: string;
  readonly complete: boolean;
  readonly transaction: Transaction | undefined;
}

export interface SignedTransaction {
  readonly transaction: Transaction;
  readonly complete: boolean;
  /** Inputs that are not valid yet, and why. */
  readonly errors: readonly { readonly index: number; readonly error: string }[];
}

export interface SignerParts {
  readonly view: () => SpendView;
  readonly keychain: Keychain;
  readonly ring: KeyRing;
  readonly payer: Payer;
}

export class WalletSigner {
  readonly #parts: SignerParts;

  constructor(parts: SignerParts) {
    this.#parts = parts;
  }

  /** A PSBT that pays, with inputs of this wallet; nothing is signed, reserved or sent. */
  async fund(
    payments: readonly Payment[],
    options: PlanOptions & { readonly withPaths?: boolean },
  ): Promise<FundedPsbt> {
    const { transaction, fee, changeIndex } = this.#parts.payer.plan(payments, options);
    const psbt = await updatePsbt(createPsbt(transaction), this.#knowledge(), options.withPaths ?? true);
    return { psbt: formatPsbt(psbt), fee, changeIndex: changeIndex ?? -1 };
  }

  /** Adds what this wallet knows and, unless told not to, its signatures. Rejects with `bad-psbt` or `locked`. */
  async process(text: string, options: ProcessOptions = {}): Promise<ProcessedPsbt> {
    const updated = await updatePsbt(parsePsbt(text), this.#knowledge(), options.withPaths ?? true);
    const signed = options.sign === false ? updated : this.#sign(updated, options.sighashType);
    const { psbt, complete } = finalizePsbt(signed);
    const finalize = options.finalize !== false;
    return {
      psbt: formatPsbt(finalize ? psbt : signed),
      complete,
      transaction: finalize && complete ? extractTransaction(psbt) : undefined,
    };
  }

  /** Signs the inputs that are ours. `outputs` are what others of its inputs spend, by outpoint, as far as the caller knows. */
  async signTransaction(
    transaction: Transaction,
    outputs: ReadonlyMap<string, TxOutput>,
    sighashType?: number,
  ): Promise<SignedTransaction> {
    const known = this.#knowledge();
    const spent = await Promise.all(transaction.inputs.map(({ prevout }) => this.#spentBy(prevout, outputs, known)));
    const outputOf = (outpoint: string) =>
      spent[transaction.inputs.findIndex(({ prevout }) => outPointKey(prevout) === outpoint)];
    const updated = await updatePsbt(createPsbt(transaction), { ...known, outputOf });
    const { psbt } = finalizePsbt(this.#sign(updated, sighashType));
    const inputs = transaction.inputs.map((input, index) => {
      const unlocking = finalUnlocking(psbt.inputs[index]!);
      return unlocking.script.length > 0 || unlocking.witness.length > 0 ? { ...input, ...unlocking } : input;
    });
    return verified({ ...transaction, inputs }, spent);
  }

  async #spentBy(
    prevout: OutPoint,
    outputs: ReadonlyMap<string, TxOutput>,
    known: Knowledge,
  ): Promise<TxOutput | undefined> {
    const given = outputs.get(outPointKey(prevout)) ?? known.outputOf(outPointKey(prevout));
    return given ?? (await known.transactionOf(prevout.hash))?.outputs[prevout.index];
  }

  #sign(psbt: Psbt, sighashType: number | undefined): Psbt {
    const { keychain, ring } = this.#parts;
    keychain.requireOpen();
    const keys: KeySource = (publicKey, use) => {
      const owned = ring.ownerOfKey(publicKey);
      return owned && keychain.withKey(owned.path, use);
    };
    return signPsbt(psbt, keys, { sighashType });
  }

  #knowledge(): Knowledge {
    const { keychain, ring } = this.#parts;
    const { ledger, config } = this.#parts.view();
    return {
      coinType: config.network.coinType,
      fingerprint: Buffer.from(keychain.record.fingerprint, "hex"),
      ownerOf: (script) => ring.ownerOf(script),
      outputOf: (outpoint) => {
        const credit = ledger.coin(outpoint)?.credit;
        return credit && { value: credit.value, script: credit.owner.script };
      },
      transactionOf: async (txid) => ledger.row(hashKey(txid))?.transaction ?? config.chain.transaction(txid),
    };
  }
}

/** What each input says when it is tried. */
function verified(transaction: Transaction, spent: readonly (TxOutput | undefined)[]): SignedTransaction {
  const nothing: TxOutput = { value: 0, script: Buffer.alloc(0) };
  const spending = new Spending(
    transaction,
    spent.map((output) => output ?? nothing),
  );
  const errors = transaction.inputs.flatMap(({ script, witness }, index) => {
    const output = spent[index];
    if (!output) return [{ index, error: "Input not found or already spent" }];
    const failure = verifyScript(
      { script, witness, spent: output.script },
      standardFlags,
      new TransactionChecker(spending, index),
    );
    return failure === undefined ? [] : [{ index, error: `Unable to sign input: ${failure}` }];
  });
  return { transaction, complete: errors.length === 0, errors };
}

/** The sighash types by their names in JSON-RPC. Throws `bad-argument`. */
export function sighashTypeOf(name: string): number {
  const type = SIGHASH_TYPES[name as keyof typeof SIGHASH_TYPES];
  if (type === undefined) throw new WalletError("bad-argument", `'${name}' is not a valid sighash parameter.`);
  return type;
}

const SIGHASH_TYPES = {
  DEFAULT: 0,
  ALL: 1,
  NONE: 2,
  SINGLE: 3,
  "ALL|ANYONECANPAY": 0x81,
  "NONE|ANYONECANPAY": 0x82,
  "SINGLE|ANYONECANPAY": 0x83,
} as const;
