/** Payments made and bumped. */
import { hashText } from "../../primitives/hash.ts";
import type { SendOptions, Wallet } from "../../wallet/types.ts";
import type { RpcMethod } from "../context.ts";
import { RpcError } from "../errors.ts";
import { optional, param, withDefault } from "../method.ts";
import { coins } from "../views/numbers.ts";
import { paymentsOf, satoshis, walletRow } from "./common.ts";

const ignored = optional(param.json("has no meaning here"));
const feeRate = optional(param.amount("satoshis per virtual byte"));
const confTarget = optional(param.integer("blocks within which to confirm", 1, 1008));
const replaceable = optional(param.boolean("may be replaced (BIP 125); the default"));

async function sendAll(
  wallet: Wallet,
  payments: Parameters<Wallet["send"]>[0],
  options: SendOptions,
  verbose: boolean | undefined,
) {
  const { txid } = await wallet.send(payments, options);
  return verbose ? { txid, fee_reason: options.feeRate === undefined ? "Estimate" : "User set" } : txid;
}

/** Receivers that the fee is taken from: by address, or by place. */
export function feePayers(given: readonly unknown[] | undefined, addresses: readonly string[]): string[] {
  return (given ?? []).map((one) => {
    const address = typeof one === "number" ? addresses[one] : one;
    if (typeof address !== "string" || !addresses.includes(address))
      throw new RpcError(
        "invalidParameter",
        `Invalid parameter 'subtract fee from output', destination not found: ${String(one)}`,
      );
    return address;
  });
}

export const sendingMethods: readonly RpcMethod[] = [
  walletRow(
    "sendtoaddress",
    "pays to an address",
    {
      address: param.string("an address"),
      amount: param.amount("coins"),
      comment: optional(param.string("kept in the wallet only")),
      comment_to: ignored,
      subtractfeefromamount: withDefault(param.boolean("the receiver pays the fee"), false),
      replaceable,
      conf_target: confTarget,
      estimate_mode: ignored,
      avoid_reuse: ignored,
      fee_rate: feeRate,
      verbose: optional(param.boolean("an object instead of the id")),
    },
    (wallet, values) => {
      const options: SendOptions = {
        feeRate: values.fee_rate,
        confirmationTarget: values.conf_target,
        replaceable: values.replaceable,
        subtractFeeFrom: values.subtractfeefromamount ? [values.address] : [],
        // An empty text is none.
        comment: values.comment || undefined,
      };
      return sendAll(wallet, [{ address: values.address, amount: satoshis(values.amount) }], options, values.verbose);
    },
  ),
  walletRow(
    "sendmany",
    "pays to many",
    {
      dummy: ignored,
      amounts: param.object("coins by address"),
      minconf: ignored,
      comment: optional(param.string("kept in the wallet only")),
      subtractfeefrom: optional(param.list("addresses that pay the fee", param.json("an address"))),
      replaceable,
      conf_target: confTarget,
      estimate_mode: ignored,
      fee_rate: feeRate,
      verbose: optional(param.boolean("an object instead of the id")),
    },
    (wallet, values) => {
      const payments = paymentsOf(values.amounts);
      const options: SendOptions = {
        feeRate: values.fee_rate,
        confirmationTarget: values.conf_target,
        replaceable: values.replaceable,
        subtractFeeFrom: feePayers(
          values.subtractfeefrom,
          payments.map(({ address }) => address),
        ),
        comment: values.comment || undefined,
      };
      return sendAll(wallet, payments, options, values.verbose);
    },
  ),
  walletRow(
    "bumpfee",
    "replaces a payment by one that pays more",
    {
      txid: param.hash("transaction"),
      options: optional(param.object("fee_rate, in satoshis per virtual byte")),
    },
    async (wallet, values) => {
      const asked = values.options?.["fee_rate"] ?? values.options?.["feeRate"];
      const rate = asked === undefined ? undefined : param.amount("").read(asked, "fee_rate");
      const { txid, fee, oldFee } = await wallet.bumpFee(hashText(values.txid), { feeRate: rate });
      return { txid, origfee: coins(oldFee), fee: coins(fee), errors: [] };
    },
  ),
];
