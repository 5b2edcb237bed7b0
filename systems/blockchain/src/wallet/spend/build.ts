/** From payments and coins to an unsigned transaction. Pure but for the injected randomness. */
import type { OutPoint, Transaction, TxOutput } from "../../primitives/transaction.ts";
import { WalletError } from "../errors.ts";
import type { Purpose } from "../keys/account.ts";
import { type Candidate, selectCoins } from "./select.ts";
import {
  baseWeight,
  dustLimit,
  feeOf,
  HEAVIEST_TRANSACTION,
  inputWeight,
  outputWeight,
  virtualSize,
} from "./weights.ts";

export interface SpendableCoin {
  readonly outpoint: OutPoint;
  readonly value: number;
  readonly script: Buffer;
  readonly purpose: Purpose;
}

export interface PaymentOutput extends TxOutput {
  /** Pays the fee, in equal parts with others that do. */
  readonly paysFee: boolean;
}

export interface BuildOptions {
  readonly payments: readonly PaymentOutput[];
  /** These are spent whatever happens; a replacement takes those of what it replaces. */
  readonly mustSpend: readonly SpendableCoin[];
  readonly maySpend: readonly SpendableCoin[];
  /** Satoshis per virtual byte. */
  readonly feeRate: number;
  /** At least so much fee, whatever the rate says: what BIP 125 asks of a replacement. */
  readonly minFee?: (vsize: number) => number;
  readonly changeScript: Buffer;
  readonly changePurpose: Purpose;
  readonly replaceable: boolean;
  readonly lockTime: number;
  /** From 0 to below n. */
  readonly random: (n: number) => number;
}

export interface Built {
  readonly transaction: Transaction;
  readonly coins: readonly SpendableCoin[];
  readonly fee: number;
  /** Once signed. */
  readonly vsize: number;
  readonly changeIndex: number | undefined;
}

/** Signals BIP 125. */
const REPLACEABLE = 0xfffffffd;
/** Final for BIP 125, and still lets the lock time count. */
const NOT_REPLACEABLE = 0xfffffffe;

/** Throws `insufficient` or `bad-amount`. */
export function buildTransaction(options: BuildOptions): Built {
  for (const payment of options.payments) checkPayment(payment);
  const { coins, hasChange } = choose(options);
  const withChange = hasChange ? assemble(options, coins, true) : undefined;
  return withChange ?? assemble(options, coins, false) ?? insufficient(options);
}

function checkPayment(payment: PaymentOutput): void {
  if (!Number.isSafeInteger(payment.value) || payment.value < 0)
    throw new WalletError("bad-amount", "Invalid amount: it is a whole number of satoshis");
  if (payment.value < dustLimit(payment))
    throw new WalletError(
      "bad-amount",
      `Transaction amount too small: nodes relay ${dustLimit(payment)} satoshis or more`,
    );
}

/** Chosen coins, those that must be spent first. */
function choose(options: BuildOptions): { readonly coins: readonly SpendableCoin[]; readonly hasChange: boolean } {
  const { payments, mustSpend, maySpend, feeRate, changeScript, changePurpose } = options;
  const paid = payments.reduce((sum, { value }) => sum + value, 0);
  const receiversPay = payments.some(({ paysFee }) => paysFee);
  // When the receivers pay the fee, coins need only cover the payments themselves.
  const rate = receiversPay ? 0 : feeRate;
  const fixed = fixedWeight(options, false);
  const minFee = receiversPay ? 0 : (options.minFee?.(virtualSize(fixed)) ?? 0);
  const target = paid + Math.max(feeOf(fixed, rate), minFee) - mustSpend.reduce((sum, { value }) => sum + value, 0);
  const changeFee = feeOf(outputWeight(changeScript), rate);
  if (mustSpend.length > 0 && target <= 0) return { coins: mustSpend, hasChange: true };
  const selection = selectCoins(maySpend.map(candidateOf), {
    target,
    feeRate: rate,
    changeFee,
    costOfChange: changeFee + feeOf(inputWeight(changePurpose), rate),
    minChange: dustLimit({ script: changeScript }),
    maxWeight: HEAVIEST_TRANSACTION - fixed - outputWeight(changeScript),
  });
  if (!selection) return insufficient(options);
  return { coins: [...mustSpend, ...selection.coins.map(({ coin }) => coin)], hasChange: selection.hasChange };
}

const candidateOf = (coin: SpendableCoin): Candidate<SpendableCoin> => ({
  coin,
  value: coin.value,
  weight: inputWeight(coin.purpose),
});

/** Everything but chosen coins; the counts are taken as long as they may get. */
function fixedWeight({ payments, mustSpend, changeScript }: BuildOptions, hasChange: boolean): number {
  const outputs = payments.reduce((sum, { script }) => sum + outputWeight(script), 0);
  const inputs = mustSpend.reduce((sum, { purpose }) => sum + inputWeight(purpose), 0);
  return baseWeight(253, payments.length + 1) + outputs + inputs + (hasChange ? outputWeight(changeScript) : 0);
}

/** Undefined when the coins do not pay for it, or the change would be dust. */
function assemble(options: BuildOptions, coins: readonly SpendableCoin[], hasChange: boolean): Built | undefined {
  const { payments, feeRate, changeScript } = options;
  const scripts = [...payments.map(({ script }) => script), ...(hasChange ? [changeScript] : [])];
  const weight =
    baseWeight(coins.length, scripts.length) +
    coins.reduce((sum, { purpose }) => sum + inputWeight(purpose), 0) +
    scripts.reduce((sum, script) => sum + outputWeight(script), 0);
  const vsize = virtualSize(weight);
  const needed = Math.max(feeOf(weight, feeRate), options.minFee?.(vsize) ?? 0);
  const outputs = payFee(payments, needed);
  const left = coins.reduce((sum, { value }) => sum + value, 0) - outputs.reduce((sum, { value }) => sum + value, 0);
  const change = left - needed;
  if (change < (hasChange ? dustLimit({ script: changeScript }) : 0)) return undefined;
  const changeIndex = hasChange ? options.random(outputs.length + 1) : undefined;
  if (changeIndex !== undefined) outputs.splice(changeIndex, 0, { value: change, script: changeScript });
  return {
    transaction: transactionOf(options, coins, outputs),
    coins,
    fee: hasChange ? needed : left,
    vsize,
    changeIndex,
  };
}

/** The fee in equal parts off the payments that carry it; the first takes the remainder. */
function payFee(payments: readonly PaymentOutput[], fee: number): TxOutput[] {
  const carriers = payments.filter(({ paysFee }) => paysFee).length;
  const first = payments.findIndex(({ paysFee }) => paysFee);
  return payments.map(({ value, script, paysFee }, at) => {
    if (!paysFee) return { value, script };
    const output = { value: value - Math.floor(fee / carriers) - (at === first ? fee % carriers : 0), script };
    if (output.value < dustLimit(output))
      throw new WalletError("bad-amount", "The transaction amount is too small to pay the fee");
    return output;
  });
}

function transactionOf(options: BuildOptions, coins: readonly SpendableCoin[], outputs: TxOutput[]): Transaction {
  const sequence = options.replaceable ? REPLACEABLE : NOT_REPLACEABLE;
  return {
    version: 2,
    inputs: coins.map(({ outpoint }) => ({ prevout: outpoint, script: Buffer.alloc(0), sequence, witness: [] })),
    outputs,
    lockTime: options.lockTime,
  };
}

function insufficient({ maySpend, mustSpend }: BuildOptions): never {
  const available = [...maySpend, ...mustSpend].reduce((sum, { value }) => sum + value, 0);
  throw new WalletError(
    "insufficient",
    `Insufficient funds: ${available} satoshis can be spent, which does not cover amount and fee in one transaction`,
  );
}
