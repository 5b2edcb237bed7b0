/** Choosing, building and signing a wallet's payments, from what its ledger says. */
import { hashText } from "../../primitives/hash.ts";
import { type Transaction, txid, txVsize } from "../../primitives/transaction.ts";
import { Spending } from "../../script/spending.ts";
import type { WalletConfig } from "../config.ts";
import { WalletError } from "../errors.ts";
import type { Keychain } from "../keys/keychain.ts";
import { type ChainFacts, Trust, worthOf } from "../ledger/balance.ts";
import { type Ledger, type OwnCoin, outpointAt } from "../ledger/ledger.ts";
import type { Row } from "../ledger/row.ts";
import { type Built, buildTransaction, type PaymentOutput, type SpendableCoin } from "./build.ts";
import { unlockWithKey } from "./sign.ts";

/** Bitcoin Core's guard against mistyped fees: a tenth of a coin. */
const HIGHEST_FEE = 10_000_000;
/** Bitcoin Core's, likewise: 1 coin per 1000 virtual bytes. */
const HIGHEST_FEE_RATE = 100_000;
const DEFAULT_TARGET_BLOCKS = 6;
const FALLBACK_FEE_RATE = 2;
/** What a replacement adds to the rate of what it replaces, so that nodes with a higher relay minimum take it too. */
const BUMP_STEP = 5;

export interface SpendView {
  readonly config: WalletConfig;
  readonly ledger: Ledger;
  readonly facts: ChainFacts;
  /** Outpoints that a person excluded. */
  readonly locked: ReadonlySet<string>;
}

export interface Plan {
  readonly payments: readonly PaymentOutput[];
  readonly feeRate: number;
  readonly replaceable: boolean;
  /** A script of the change branch; handed out only when a transaction is made of it. */
  readonly changeScript: Buffer;
  /** Spent whatever happens. */
  readonly mustSpend: readonly OwnCoin[];
  /** Whether others may be. */
  readonly mayAdd: boolean;
  /** Whether a coin may be taken. */
  readonly from?: ((coin: OwnCoin) => boolean) | undefined;
}

/** Coins that may be chosen: confirmed and mature, or our own change, and not excluded. */
export function spendableCoins({ ledger, facts, locked }: Omit<SpendView, "config">): OwnCoin[] {
  const trust = new Trust(ledger);
  return [...ledger.openCoins()].filter((coin) => {
    if (locked.has(coin.outpoint)) return false;
    const worth = worthOf(ledger, coin, facts, trust);
    return worth === "confirmed" || worth === "change";
  });
}

export const spendableOf = ({ row, credit }: OwnCoin): SpendableCoin => ({
  outpoint: { hash: row.txid, index: credit.vout },
  value: credit.value,
  script: credit.owner.script,
  purpose: credit.owner.path.purpose,
});

/** The rate asked for, else the estimate, and never less than the mempool takes. Throws `bad-argument`. */
export function feeRateFor(
  { pool, fallbackFeeRate }: WalletConfig,
  asked: { readonly feeRate?: number | undefined; readonly confirmationTarget?: number | undefined },
): number {
  const minimum = pool.minimumFeeRate();
  if (asked.feeRate === undefined)
    return Math.max(
      minimum,
      pool.feeRate(asked.confirmationTarget ?? DEFAULT_TARGET_BLOCKS) ?? fallbackFeeRate ?? FALLBACK_FEE_RATE,
    );
  if (!Number.isFinite(asked.feeRate) || asked.feeRate <= 0 || asked.feeRate > HIGHEST_FEE_RATE)
    throw new WalletError("bad-argument", `A fee rate is above 0 and at most ${HIGHEST_FEE_RATE} sat/vB`);
  if (asked.feeRate < minimum)
    throw new WalletError(
      "bad-argument",
      `Fee rate (${asked.feeRate} sat/vB) is lower than the minimum fee rate that the mempool takes now (${minimum} sat/vB)`,
    );
  return asked.feeRate;
}

/** Coins with confirmations are taken first; unconfirmed change only when they do not suffice. */
export function planTransaction(view: SpendView, plan: Plan): Built {
  const isFree = (coin: OwnCoin): boolean =>
    plan.mayAdd && !plan.mustSpend.includes(coin) && (plan.from?.(coin) ?? true);
  const all = spendableCoins(view).filter(isFree);
  const confirmed = all.filter(({ row }) => row.block);
  try {
    return build(view, plan, confirmed);
  } catch (error) {
    if (!(error instanceof WalletError) || error.code !== "insufficient" || confirmed.length === all.length)
      throw error;
    return build(view, plan, all);
  }
}

const build = (view: SpendView, plan: Plan, coins: readonly OwnCoin[]): Built =>
  checkedFee(
    buildTransaction({
      ...common(view, plan.changeScript),
      payments: plan.payments,
      mustSpend: plan.mustSpend.map(spendableOf),
      maySpend: coins.map(spendableOf),
      feeRate: plan.feeRate,
      replaceable: plan.replaceable,
    }),
  );

function common({ config, facts }: SpendView, changeScript: Buffer) {
  return {
    changeScript,
    changePurpose: changeScript.length === 22 ? (84 as const) : (86 as const),
    // Not valid before the next block: nobody gains by undoing the tip for its fee.
    lockTime: facts.height,
    random: config.random!,
  };
}

function checkedFee(built: Built): Built {
  if (built.fee > HIGHEST_FEE)
    throw new WalletError("bad-argument", `Fee exceeds the maximum of ${HIGHEST_FEE} satoshis; ask for a lower rate`);
  return built;
}

export interface Bump extends Built {
  readonly oldFee: number;
}

/** A replacement (BIP 125) with the same inputs and payments, a smaller change and, when that is not enough, further inputs. */
export function planBump(view: SpendView, row: Row, feeRate: number | undefined, changeScript: Buffer): Bump {
  const { ledger, config } = view;
  const original = bumpable(ledger, row);
  const oldFee = ledger.debitOf(row).value - row.outputValue;
  const oldRate = oldFee / txVsize(original);
  const change = row.credits.filter(({ owner }) => owner.path.branch === 1);
  const rate = feeRate ?? Math.max(oldRate + BUMP_STEP, feeRateFor(config, {}));
  if (rate <= oldRate)
    throw new WalletError("bad-argument", `The new fee rate must exceed the old one of ${oldRate.toFixed(3)} sat/vB`);
  const mustSpend = row.inputs.map((outpoint) => spendableOf(ledger.coin(outpoint)!));
  const built = buildTransaction({
    ...common(view, change[0]?.owner.script ?? changeScript),
    payments: original.outputs
      .filter((_, vout) => !change.some((credit) => credit.vout === vout))
      .map((output) => ({ ...output, paysFee: false })),
    mustSpend,
    maySpend: spendableCoins(view)
      .filter((coin) => coin.row.block && !row.inputs.includes(coin.outpoint))
      .map(spendableOf),
    feeRate: rate,
    // BIP 125: it pays what it replaces pays, and its own relay on top.
    minFee: (vsize) => oldFee + Math.ceil(vsize * Math.max(1, config.pool.minimumFeeRate())),
    replaceable: true,
  });
  return { ...checkedFee(built), oldFee };
}

function bumpable(ledger: Ledger, row: Row): Transaction {
  if (row.block)
    throw new WalletError("bad-argument", "Transaction has been mined, or is conflicted with a mined transaction");
  const state = ledger.state(row);
  if (state === "conflicted" || state === "abandoned" || !row.transaction)
    throw new WalletError("bad-argument", `The transaction is ${state}; its coins are free to be spent anew`);
  if (!row.replaceable) throw new WalletError("bad-argument", "Transaction is not BIP 125 replaceable");
  if (!ledger.debitOf(row).all)
    throw new WalletError("bad-argument", "Transaction contains inputs that don't belong to this wallet");
  if (row.credits.some(({ vout }) => ledger.spendersOf(outpointAt(row, vout)).length > 0))
    throw new WalletError("bad-argument", "Transaction has descendants in the wallet");
  if (row.note.replacedBy)
    throw new WalletError(
      "bad-argument",
      `Cannot bump transaction ${hashText(row.txid)} which was already bumped by ${row.note.replacedBy}`,
    );
  return row.transaction;
}

/** Throws `locked`. */
export function signBuilt({ transaction, coins }: Built, ledger: Ledger, keychain: Keychain): Transaction {
  keychain.requireOpen();
  const spending = new Spending(transaction, coins);
  const inputs = transaction.inputs.map((input, index) => {
    const owner = ownerOf(ledger, coins[index]!);
    const unlocking = keychain.withKey(owner, (key) => unlockWithKey(spending, index, key));
    return { ...input, ...unlocking };
  });
  return { ...transaction, inputs };
}

const ownerOf = (ledger: Ledger, { outpoint }: SpendableCoin) =>
  ledger.coin(outpointAt({ txid: outpoint.hash } as Row, outpoint.index))!.credit.owner.path;

export const textOf = (transaction: Transaction): string => hashText(txid(transaction));
