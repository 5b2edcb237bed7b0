/** What a wallet has and had. */
import { hashText } from "../../primitives/hash.ts";
import { encodeTransaction } from "../../primitives/transaction.ts";
import type { Coin, HistoryEntry, TransactionStatus, Wallet, WalletTransaction } from "../../wallet/types.ts";
import type { RpcContext, RpcMethod } from "../context.ts";
import { RpcError } from "../errors.ts";
import { optional, param, withDefault } from "../method.ts";
import { coins } from "../views/numbers.ts";
import { transactionView } from "../views/transaction.ts";
import { isObject, satoshis, walletRow } from "./common.ts";

const minconf = (value: number) => withDefault(param.integer("confirmations at least", 0), value);
const ignored = optional(param.json("has no meaning here"));
const MOST_LISTED = 100_000;

const confirmationsOf = (status: TransactionStatus): number =>
  status.kind === "confirmed" || status.kind === "conflicted" ? status.depth : 0;

const statusView = (status: TransactionStatus) => ({
  confirmations: confirmationsOf(status),
  ...(status.kind === "confirmed"
    ? {
        blockhash: status.blockHash,
        blockheight: status.height,
        blockindex: status.blockIndex,
        blocktime: status.blockTime,
      }
    : { trusted: status.kind === "mempool" }),
});

const lineView = (line: HistoryEntry) => ({
  ...(line.address !== undefined && { address: line.address }),
  category: line.category,
  amount: coins(line.amount),
  ...(line.label !== undefined && { label: line.label }),
  vout: line.vout,
  ...(line.fee !== undefined && { fee: coins(line.fee) }),
  abandoned: line.status.kind === "abandoned",
});

const commonView = (line: HistoryEntry) => ({
  ...statusView(line.status),
  ...((line.category === "generate" || line.category === "immature" || line.category === "orphan") && {
    generated: true,
  }),
  txid: line.txid,
  walletconflicts: [line.replacedBy, line.replaces].filter((id) => id !== undefined),
  ...(line.replacedBy !== undefined && { replaced_by_txid: line.replacedBy }),
  ...(line.replaces !== undefined && { replaces_txid: line.replaces }),
  time: line.time,
  timereceived: line.time,
  "bip125-replaceable": line.status.kind === "confirmed" || !line.replaceable ? "no" : "yes",
  ...(line.comment !== undefined && { comment: line.comment }),
});

export const historyView = (line: HistoryEntry) => ({ ...lineView(line), ...commonView(line) });

const coinView = (coin: Coin) => ({
  txid: coin.txid,
  vout: coin.vout,
  address: coin.address,
  label: coin.label ?? "",
  scriptPubKey: coin.script.toString("hex"),
  amount: coins(coin.value),
  confirmations: coin.depth,
  spendable: true,
  solvable: true,
  safe: coin.spendable,
});

function listUnspent(
  wallet: Wallet,
  least: number,
  most: number,
  addresses: readonly string[] | undefined,
  unsafe: boolean,
  query: unknown,
) {
  const limits = isObject(query) ? query : {};
  const limit = (name: string): number | undefined => {
    const value = limits[name];
    return typeof value === "number" ? value : undefined;
  };
  const [low, high] = [limit("minimumAmount"), limit("maximumAmount")];
  const isImmature = (coin: Coin): boolean => coin.coinbase && !coin.spendable && !coin.locked;
  return wallet
    .coins()
    .filter((coin) => !coin.locked && !isImmature(coin) && (unsafe || coin.spendable))
    .filter(({ depth }) => depth >= least && depth <= most)
    .filter(({ address }) => addresses === undefined || addresses.includes(address))
    .filter(
      ({ value }) => (low === undefined || value >= satoshis(low)) && (high === undefined || value <= satoshis(high)),
    )
    .slice(0, limit("maximumCount") ?? MOST_LISTED)
    .map(coinView);
}

/** The oldest of them first. */
function newest(wallet: Wallet, label: string, skip: number, count: number): HistoryEntry[] {
  const found: HistoryEntry[] = [];
  for (const line of wallet.lastSeen()) {
    if (found.length >= skip + count) break;
    if (label === "*" || (line.label ?? "") === label) found.push(line);
  }
  return found.slice(skip).reverse();
}

async function transactionText({ txid, hex }: WalletTransaction, { chain }: RpcContext): Promise<string | undefined> {
  if (hex !== undefined) return hex;
  const found = await chain.transaction(Buffer.from(txid, "hex").reverse());
  return found && encodeTransaction(found.tx).toString("hex");
}

async function getTransaction(wallet: Wallet, id: Buffer, verbose: boolean, context: RpcContext): Promise<object> {
  const known = wallet.transaction(hashText(id));
  if (!known) throw new RpcError("invalidAddressOrKey", "Invalid or non-wallet transaction id");
  const hex = await transactionText(known, context);
  const [line] = known.entries;
  const found = verbose ? await context.chain.transaction(id) : undefined;
  return {
    amount: coins(known.amount),
    ...(known.fee !== undefined && { fee: coins(known.fee) }),
    ...(line ? commonView(line) : { ...statusView(known.status), txid: known.txid, time: known.time }),
    details: known.entries.map(lineView),
    ...(hex !== undefined && { hex }),
    ...(found && { decoded: transactionView(found.tx, context.chain.network) }),
  };
}

function listReceived(wallet: Wallet, least: number, withEmpty: boolean, only: string | undefined) {
  const paid = wallet
    .history()
    .filter(({ category, status }) => category !== "send" && confirmationsOf(status) >= least);
  const byAddress = new Map<string | undefined, HistoryEntry[]>();
  for (const line of paid) byAddress.set(line.address, [...(byAddress.get(line.address) ?? []), line]);
  return wallet
    .addresses()
    .filter(({ change, address }) => !change && (only === undefined || address === only))
    .map(({ address, label }) => {
      const lines = byAddress.get(address) ?? [];
      return {
        address,
        amount: coins(lines.reduce((sum, { amount }) => sum + amount, 0)),
        confirmations: lines.length === 0 ? 0 : Math.min(...lines.map(({ status }) => confirmationsOf(status))),
        label: label ?? "",
        txids: lines.map(({ txid }) => txid),
      };
    })
    .filter(({ txids }) => withEmpty || txids.length > 0);
}

/** Coins as JSON-RPC names them; Core reserves them with `true` for unlocking. */
function outpointsOf(given: readonly Readonly<Record<string, unknown>>[]): { txid: string; vout: number }[] {
  return given.map(({ txid, vout }) => {
    if (typeof txid !== "string" || typeof vout !== "number" || !Number.isInteger(vout) || vout < 0)
      throw new RpcError("invalidParameter", "Invalid parameter, an output is an object with txid and vout");
    return { txid, vout };
  });
}

export const moneyMethods: readonly RpcMethod[] = [
  walletRow(
    "getbalance",
    "what can be spent",
    { dummy: ignored, minconf: minconf(0), include_watchonly: ignored, avoid_reuse: ignored },
    (wallet, values) => {
      if (values.minconf === 0) return coins(wallet.balances().trusted);
      return coins(
        wallet
          .coins()
          .reduce(
            (sum, coin) => sum + (coin.depth >= values.minconf && (coin.spendable || coin.locked) ? coin.value : 0),
            0,
          ),
      );
    },
  ),
  walletRow("getbalances", "all balances", {}, (wallet) => {
    const { trusted, pending, immature } = wallet.balances();
    return {
      mine: { trusted: coins(trusted), untrusted_pending: coins(pending), immature: coins(immature) },
      lastprocessedblock: { height: wallet.info().height },
    };
  }),
  walletRow("getunconfirmedbalance", "payments from others that are in no block", {}, (wallet) =>
    coins(wallet.balances().pending),
  ),
  walletRow(
    "listunspent",
    "coins",
    {
      minconf: minconf(1),
      maxconf: withDefault(param.integer("confirmations at most", 0), 9_999_999),
      addresses: optional(param.list("of these addresses only", param.string("an address"))),
      include_unsafe: withDefault(param.boolean("others' unconfirmed payments too"), true),
      query_options: optional(param.object("minimumAmount, maximumAmount, maximumCount")),
    },
    (wallet, values) =>
      listUnspent(
        wallet,
        values.minconf,
        values.maxconf,
        values.addresses,
        values.include_unsafe,
        values.query_options,
      ),
  ),
  walletRow(
    "listtransactions",
    "the newest payments, the oldest of them first",
    {
      label: withDefault(param.string("of this label only; * for all"), "*"),
      count: withDefault(param.integer("how many", 0, MOST_LISTED), 10),
      skip: withDefault(param.integer("newer ones to leave out", 0), 0),
      include_watchonly: ignored,
    },
    (wallet, values) => {
      const { label, skip, count } = values;
      return newest(wallet, label, skip, count).map(historyView);
    },
  ),
  walletRow(
    "gettransaction",
    "a payment",
    {
      txid: param.hash("transaction"),
      include_watchonly: ignored,
      verbose: withDefault(param.boolean("its parts too"), false),
    },
    (wallet, values, context) => getTransaction(wallet, values.txid, values.verbose, context),
  ),
  walletRow(
    "getreceivedbyaddress",
    "what an address received",
    { address: param.string("an address"), minconf: minconf(1), include_immature_coinbase: ignored },
    (wallet, values) => {
      if (!wallet.address(values.address)) throw new RpcError("walletError", "Address not found in wallet");
      const paid = wallet
        .history()
        .filter(
          ({ category, address, status }) =>
            category !== "send" && address === values.address && confirmationsOf(status) >= values.minconf,
        );
      return coins(paid.reduce((sum, { amount }) => sum + amount, 0));
    },
  ),
  walletRow(
    "listreceivedbyaddress",
    "what each address received",
    {
      minconf: minconf(1),
      include_empty: withDefault(param.boolean("those that received nothing too"), false),
      include_watchonly: ignored,
      address_filter: optional(param.string("this address only")),
    },
    (wallet, values) => listReceived(wallet, values.minconf, values.include_empty, values.address_filter),
  ),
  walletRow(
    "lockunspent",
    "keeps coins from being chosen",
    {
      unlock: param.boolean("true to let them be chosen again"),
      transactions: optional(
        param.list("coins; all locked ones when unlocking without", param.object("txid and vout")),
      ),
      persistent: ignored,
    },
    async (wallet, values) => {
      if (values.transactions === undefined && !values.unlock) return true;
      const locked = wallet.coins().filter((coin) => coin.locked);
      await wallet.lockCoins(values.transactions ? outpointsOf(values.transactions) : locked, !values.unlock);
      return true;
    },
  ),
  walletRow("listlockunspent", "coins that are not chosen", {}, (wallet) =>
    wallet
      .coins()
      .filter(({ locked }) => locked)
      .map(({ txid, vout }) => ({ txid, vout })),
  ),
  walletRow(
    "abandontransaction",
    "frees the coins of a payment that nobody carries",
    { txid: param.hash("transaction") },
    async (wallet, values) => {
      await wallet.abandon(hashText(values.txid));
      return null;
    },
  ),
];
