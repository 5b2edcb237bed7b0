/** Pays, bumps and gives up: what changes a wallet's money. One at a time, since two at once would choose the same coins. */
import { BlockchainError, messageOf } from "../../errors.ts";
import { hashFromText, hashKey } from "../../primitives/hash.ts";
import { type OutPoint, outPointKey, txVsize } from "../../primitives/transaction.ts";
import type { AddressBook } from "../address-book.ts";
import { WalletError } from "../errors.ts";
import type { Keychain } from "../keys/keychain.ts";
import type { KeyRing } from "../keys/ring.ts";
import type { OwnCoin } from "../ledger/ledger.ts";
import type { Note, Row } from "../ledger/row.ts";
import type { Payment, SendOptions, Sent } from "../types.ts";
import type { Built, PaymentOutput } from "./build.ts";
import { feeRateFor, planBump, planTransaction, type SpendView, signBuilt, textOf } from "./spender.ts";

const MOST_PAYMENTS = 2_000;

export interface PayerParts {
  /** As things stand at the moment. */
  readonly view: () => SpendView & { readonly scanning: boolean };
  readonly keychain: Keychain;
  readonly ring: KeyRing;
  readonly book: AddressBook;
  readonly save: () => Promise<void>;
}

export interface PlanOptions extends SendOptions {
  /** Coins that are spent whatever happens. */
  readonly inputs?: readonly OutPoint[] | undefined;
  /** Whether further coins may be added to `inputs`. */
  readonly addInputs?: boolean | undefined;
  readonly changeAddress?: string | undefined;
}

export class Payer {
  readonly #parts: PayerParts;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(parts: PayerParts) {
    this.#parts = parts;
  }

  /** Waits for what is under way. */
  async settled(): Promise<void> {
    await this.#turn.catch(() => undefined);
  }

  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.catch(() => undefined).then(work);
    this.#turn = turn;
    return turn;
  }

  send(payments: readonly Payment[], options: SendOptions): Promise<Sent> {
    return this.inTurn(async () => {
      this.#parts.keychain.requireOpen();
      return this.#submit(this.plan(payments, options), { comment: options.comment });
    });
  }

  bump(txid: string, feeRate: number | undefined): Promise<Sent & { readonly oldFee: number }> {
    return this.inTurn(async () => {
      const { keychain, ring, save } = this.#parts;
      keychain.requireOpen();
      const [view, row] = [this.#view(), this.#row(txid)];
      const change = ring.peek(84, 1);
      const built = planBump(view, row, feeRate, change.script);
      if (built.transaction.outputs.some(({ script }) => script.equals(change.script))) ring.markUsed(change.path);
      const sent = await this.#submit(built, { ...row.note, replaces: txid });
      view.ledger.note(row, { replacedBy: sent.txid });
      await save();
      return { ...sent, oldFee: built.oldFee };
    });
  }

  async abandon(txid: string): Promise<void> {
    const row = this.#row(txid);
    const { ledger } = this.#parts.view();
    const stands = (one: Row): boolean =>
      one.block !== undefined || one.inPool || ledger.childrenOf(one).some((child) => stands(child));
    if (stands(row)) throw new WalletError("bad-argument", "Transaction not eligible for abandonment");
    ledger.abandon(row);
    await this.#parts.save();
  }

  /** An unsigned transaction for payments; uses up a change address if it has change. */
  plan(payments: readonly Payment[], options: PlanOptions): Built {
    const { ring, book } = this.#parts;
    const view = this.#view();
    const outputs = this.#outputsOf(payments, options.subtractFeeFrom ?? []);
    const from =
      options.fromAddresses && new Set(options.fromAddresses.map((one) => book.scriptOf(one).toString("hex")));
    const change = ring.peek(changePurposeOf(outputs), 1);
    const built = planTransaction(view, {
      payments: outputs,
      feeRate: feeRateFor(view.config, options),
      replaceable: options.replaceable ?? true,
      changeScript: options.changeAddress === undefined ? change.script : book.scriptOf(options.changeAddress),
      mustSpend: (options.inputs ?? []).map((outpoint) => this.#coin(outpoint)),
      mayAdd: options.inputs === undefined || options.addInputs === true,
      from: from && (({ credit }) => from.has(credit.owner.script.toString("hex"))),
    });
    if (built.changeIndex !== undefined && options.changeAddress === undefined) ring.markUsed(change.path);
    return built;
  }

  #view(): SpendView {
    const view = this.#parts.view();
    if (view.scanning) throw new WalletError("scanning", "Wallet is currently rescanning. Wait for it to end.");
    return view;
  }

  #row(txid: string): Row {
    const hash = hashFromText(txid);
    const row = hash && this.#parts.view().ledger.row(hashKey(hash));
    if (!row) throw new WalletError("not-found", "Invalid or non-wallet transaction id");
    return row;
  }

  #coin(outpoint: OutPoint): OwnCoin {
    const { ledger } = this.#parts.view();
    const coin = ledger.coin(outPointKey(outpoint));
    if (!coin || ledger.spendersOf(coin.outpoint).length > 0)
      throw new WalletError("bad-argument", "An input is no unspent coin of this wallet");
    return coin;
  }

  #outputsOf(payments: readonly Payment[], subtractFeeFrom: readonly string[]): PaymentOutput[] {
    if (payments.length === 0) throw new WalletError("bad-argument", "Transaction must have at least one recipient");
    if (payments.length > MOST_PAYMENTS)
      throw new WalletError("bad-argument", `A transaction pays at most ${MOST_PAYMENTS} recipients`);
    return payments.map(({ address, amount }) => {
      if (!Number.isSafeInteger(amount) || amount <= 0) throw new WalletError("bad-amount", "Invalid amount for send");
      return { value: amount, script: this.#parts.book.scriptOf(address), paysFee: subtractFeeFrom.includes(address) };
    });
  }

  /** On disk before it leaves the house, so that no crash forgets what was paid. */
  async #submit(built: Built, note: Note): Promise<Sent> {
    const { keychain, save, view } = this.#parts;
    const { ledger, config } = view();
    const transaction = signBuilt(built, ledger, keychain);
    const row = ledger.restore(transaction, { received: Math.floor(config.now() / 1000), abandoned: false });
    ledger.note(row, definedOf(note));
    try {
      await save();
      await config.pool.submit(transaction);
    } catch (error) {
      await this.#takeBack(row);
      throw rejected(error);
    }
    return { txid: textOf(transaction), fee: built.fee, vsize: txVsize(transaction) };
  }

  async #takeBack(row: Row): Promise<void> {
    if (row.block || row.inPool) return;
    this.#parts.view().ledger.discard(row);
    // What refused may be the disk itself; then the file never had it.
    await this.#parts.save().catch(() => undefined);
  }
}

/** Change of the kind that is paid to, so that an observer can not tell the two apart. */
const changePurposeOf = (outputs: readonly PaymentOutput[]): 84 | 86 =>
  outputs.every(({ script }) => script.length === 34 && script[0] === 0x51) ? 86 : 84;

function rejected(error: unknown): unknown {
  if (!(error instanceof BlockchainError)) return error;
  return new WalletError("rejected", messageOf(error), { cause: error });
}

/** Without keys that are undefined. */
const definedOf = (note: Note): Note =>
  Object.fromEntries(Object.entries(note).filter(([, value]) => value !== undefined));
