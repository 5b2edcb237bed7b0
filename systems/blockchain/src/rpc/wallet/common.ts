/** What the wallet's rows share: which wallet a call means, its errors as Bitcoin Core numbers them, amounts. */
import { WalletError, type WalletErrorCode } from "../../wallet/errors.ts";
import type { Wallet } from "../../wallet/types.ts";
import { type RpcContext, type RpcMethod, rpc } from "../context.ts";
import { type RpcCode, RpcError } from "../errors.ts";
import type { Call, ParameterTable, ValuesOf } from "../method.ts";

const CATEGORY = "Wallet";
const SATOSHIS = 1e8;
const MOST_COINS = 21_000_000;

const CODES: Readonly<Record<WalletErrorCode, RpcCode>> = {
  "bad-address": "invalidAddressOrKey",
  "bad-amount": "type",
  "bad-argument": "invalidParameter",
  "bad-mnemonic": "invalidAddressOrKey",
  "bad-passphrase": "walletPassphraseIncorrect",
  "bad-psbt": "deserialization",
  "bad-file": "walletError",
  exists: "walletError",
  insufficient: "walletInsufficientFunds",
  locked: "walletUnlockNeeded",
  "not-encrypted": "walletWrongEncryptionState",
  "already-encrypted": "walletWrongEncryptionState",
  "not-found": "invalidAddressOrKey",
  rejected: "verifyRejected",
  scanning: "walletError",
  closed: "misc",
};

/** A row whose wallet errors come with Bitcoin Core's numbers; `codes` are those that differ for this row. */
export function row<const P extends ParameterTable>(
  name: string,
  help: string,
  parameters: P,
  run: (context: RpcContext, values: ValuesOf<P>, call: Call) => unknown,
  codes: Partial<Record<WalletErrorCode, RpcCode>> = {},
): RpcMethod {
  return rpc(name, CATEGORY, help, parameters, async (context, values, call) => {
    try {
      return await run(context, values, call);
    } catch (error) {
      if (!(error instanceof WalletError)) throw error;
      throw new RpcError(codes[error.code] ?? CODES[error.code], error.message, { cause: error });
    }
  });
}

/** A row of the wallet that the call means. */
export const walletRow = <const P extends ParameterTable>(
  name: string,
  help: string,
  parameters: P,
  run: (wallet: Wallet, values: ValuesOf<P>, context: RpcContext) => unknown,
): RpcMethod => row(name, help, parameters, (context, values, call) => run(walletOf(context, call), values, context));

/** The wallet that the path names, else the only one that is loaded. */
export function walletOf({ wallets }: RpcContext, call: Pick<Call, "wallet">): Wallet {
  if (call.wallet !== undefined) {
    const named = wallets.get(call.wallet);
    if (!named) throw new RpcError("walletNotFound", "Requested wallet does not exist or is not loaded");
    return named;
  }
  const [only, ...others] = wallets.loaded();
  if (!only)
    throw new RpcError(
      "walletNotFound",
      "No wallet is loaded. Load a wallet using loadwallet or create a new one with createwallet.",
    );
  if (others.length > 0)
    throw new RpcError(
      "walletNotSpecified",
      "Multiple wallets are loaded. Please select which wallet to use by requesting the RPC through the /wallet/<walletname> URI path.",
    );
  return only;
}

/** Satoshis from coins with at most eight decimals. */
export function satoshis(coins: number): number {
  const value = Math.round(coins * SATOSHIS);
  if (coins < 0 || coins > MOST_COINS) throw new RpcError("type", "Amount out of range");
  if (Math.abs(value / SATOSHIS - coins) > 1e-12 * Math.max(1, coins)) throw new RpcError("type", "Invalid amount");
  return value;
}

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Payments as people give them: `{address: coins}`, or a list of such. Data outputs are not made here. */
export function paymentsOf(outputs: unknown): { readonly address: string; readonly amount: number }[] {
  const all = Array.isArray(outputs) ? outputs : [outputs];
  const pairs = all.flatMap((one) => {
    if (!isObject(one)) throw new RpcError("type", "outputs must be an object or an array of objects");
    return Object.entries(one);
  });
  const addresses = pairs.map(([address]) => address);
  const twice = addresses.find((address, at) => addresses.indexOf(address) !== at);
  if (twice !== undefined) throw new RpcError("invalidParameter", `Invalid parameter, duplicated address: ${twice}`);
  return pairs.map(([address, amount]) => ({ address, amount: satoshis(amountOf(amount)) }));
}

function amountOf(value: unknown): number {
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  if (typeof number !== "number" || !Number.isFinite(number))
    throw new RpcError("type", "Amount is not a number or string");
  return number;
}
