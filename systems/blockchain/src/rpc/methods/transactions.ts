/** Transactions: looked up, taken apart, tried, sent. */

import { formatAddress } from "../../address/address.ts";
import { destinationOf, witnessScript } from "../../address/scripts.ts";
import { BlockchainError } from "../../errors.ts";
import type { AcceptResult } from "../../mempool/types.ts";
import { hash160, hashText, sha256 } from "../../primitives/hash.ts";
import { decodeTransaction, type Transaction, txid, txVsize, wtxid } from "../../primitives/transaction.ts";
import { type RpcContext, type RpcMethod, rpc } from "../context.ts";
import { RpcError } from "../errors.ts";
import { optional, param, withDefault } from "../method.ts";
import { confirmationsOf } from "../views/block.ts";
import { coins } from "../views/numbers.ts";
import { scriptView } from "../views/script.ts";
import { transactionView } from "../views/transaction.ts";
import { entryOf } from "./blockchain.ts";

const CATEGORY = "Rawtransactions";
/** Coins per thousand virtual bytes above which a payment is taken for a mistake, as in Bitcoin Core. */
const DEFAULT_MAX_FEE_RATE = 0.1;
const SATOSHIS = 1e8;

export function decode(bytes: Buffer): Transaction {
  try {
    return decodeTransaction(bytes);
  } catch (cause) {
    if (!(cause instanceof BlockchainError)) throw cause;
    throw new RpcError("deserialization", "TX decode failed. Make sure the tx has at least one input.", { cause });
  }
}

const maxFeeRateOf = (coinsPerKvb: number): { maxFeeRate: number } | undefined =>
  coinsPerKvb > 0 ? { maxFeeRate: Math.round(coinsPerKvb * SATOSHIS) } : undefined;

function refusal(result: Exclude<AcceptResult, { ok: true }>): RpcError {
  if (result.kind === "orphan") return new RpcError("verify", "bad-txns-inputs-missingorspent");
  const text = result.detail && result.detail !== result.reason ? `${result.reason}, ${result.detail}` : result.reason;
  if (result.reason === "txn-already-known")
    return new RpcError("alreadyInUtxoSet", "Transaction outputs already in utxo set");
  if (result.reason === "max-fee-exceeded")
    return new RpcError("verify", "Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)");
  return new RpcError("verifyRejected", text);
}

async function send({ mempool, chain }: RpcContext, bytes: Buffer, maxFeeRate: number): Promise<string> {
  const tx = decode(bytes);
  const id = txid(tx);
  if (mempool.has(id)) return hashText(id);
  if (tx.outputs.some((_, index) => chain.coin({ hash: id, index }) !== undefined))
    throw new RpcError("alreadyInUtxoSet", "Transaction outputs already in utxo set");
  const result = await mempool.submit(tx, { keepOrphan: false, ...maxFeeRateOf(maxFeeRate) });
  if (!result.ok) throw refusal(result);
  return hashText(id);
}

function test({ mempool }: RpcContext, bytes: Buffer, maxFeeRate: number): object {
  const tx = decode(bytes);
  const ids = { txid: hashText(txid(tx)), wtxid: hashText(wtxid(tx)) };
  const result = mempool.test(tx, maxFeeRateOf(maxFeeRate));
  if (!result.ok)
    return {
      ...ids,
      allowed: false,
      "reject-reason": result.kind === "orphan" ? "missing-inputs" : result.reason,
    };
  const feeRate = coins(Math.round((result.entry.fee * 1000) / txVsize(tx)));
  return {
    ...ids,
    allowed: true,
    vsize: txVsize(tx),
    fees: { base: coins(result.entry.fee), "effective-feerate": feeRate, "effective-includes": [ids.wtxid] },
  };
}

async function lookUp(
  context: RpcContext,
  id: Buffer,
  verbosity: number,
  blockhash: Buffer | undefined,
): Promise<unknown> {
  const found = await find(context, id, blockhash);
  if (verbosity <= 0) return transactionView(found.tx, context.chain.network).hex;
  const { hex, fee, ...view } = transactionView(
    found.tx,
    context.chain.network,
    verbosity > 1 ? found.spent : undefined,
  );
  return {
    ...(blockhash && { in_active_chain: found.entry !== undefined && context.chain.isActive(found.entry) }),
    ...view,
    ...(fee !== undefined && { fee }),
    hex,
    ...(found.entry && {
      blockhash: hashText(found.entry.hash),
      confirmations: Math.max(0, confirmationsOf(context.chain, found.entry)),
      time: found.entry.time,
      blocktime: found.entry.time,
    }),
  };
}

type Found = Pick<NonNullable<Awaited<ReturnType<RpcContext["chain"]["transaction"]>>>, "tx"> & {
  readonly entry: ReturnType<RpcContext["chain"]["entry"]>;
  readonly spent: NonNullable<Awaited<ReturnType<RpcContext["chain"]["spent"]>>>[number] | undefined;
};

async function find(context: RpcContext, id: Buffer, blockhash: Buffer | undefined): Promise<Found> {
  const { chain, mempool } = context;
  if (blockhash) return findInBlock(context, id, blockhash);
  const waiting = mempool.get(id);
  if (waiting) return { tx: waiting.tx, entry: undefined, spent: waiting.coins };
  const found = await chain.transaction(id);
  if (found === undefined)
    throw new RpcError(
      "invalidAddressOrKey",
      "No such mempool or blockchain transaction. Use gettransaction for wallet transactions.",
    );
  return { tx: found.tx, entry: found.entry, spent: (await chain.spent(found.entry))?.[found.position] };
}

async function findInBlock(context: RpcContext, id: Buffer, blockhash: Buffer): Promise<Found> {
  const entry = entryOf(context, blockhash);
  const block = await context.chain.block(entry);
  const position = block?.transactions.findIndex((tx) => txid(tx).equals(id)) ?? -1;
  const tx = block?.transactions[position];
  if (tx === undefined) throw new RpcError("invalidAddressOrKey", "No such transaction found in the provided block.");
  return { tx, entry, spent: (await context.chain.spent(entry))?.[position] };
}

/** The script, and what it would be inside P2SH and P2WSH. */
function decodeScript({ chain: { network } }: RpcContext, script: Buffer): object {
  const view = scriptView(script, network);
  const { hex: _hex, ...shown } = view;
  const isWrappable = destinationOf(script)?.kind !== "scripthash" && !view.type.startsWith("witness");
  if (!isWrappable) return shown;
  const inner = witnessScript(0, sha256(script));
  return {
    ...shown,
    p2sh: formatAddress({ kind: "scripthash", hash: hash160(script) }, network),
    segwit: {
      ...scriptView(inner, network),
      "p2sh-segwit": formatAddress({ kind: "scripthash", hash: hash160(inner) }, network),
    },
  };
}

const maxfeerate = withDefault(
  param.amount("coins per 1000 virtual bytes that it may pay at most; 0: any"),
  DEFAULT_MAX_FEE_RATE,
);
const hexstring = param.hex("the transaction");
const MOST_TESTED = 25;

export const transactionMethods: readonly RpcMethod[] = [
  rpc(
    "getrawtransaction",
    CATEGORY,
    "a transaction of the mempool or the chain",
    {
      txid: param.hash("transaction"),
      verbosity: withDefault(param.verbosity("0 hexadecimal, 1 object, 2 with what it spends"), 0),
      blockhash: optional(param.hash("block to look in")),
    },
    (context, values) => lookUp(context, values.txid, values.verbosity, values.blockhash),
  ),
  rpc(
    "decoderawtransaction",
    CATEGORY,
    "a transaction's parts",
    { hexstring, iswitness: optional(param.boolean("ignored")) },
    ({ chain }, values) => {
      const { hex: _hex, ...view } = transactionView(decode(values.hexstring), chain.network);
      return view;
    },
  ),
  rpc("decodescript", CATEGORY, "a script's parts", { hexstring: param.hex("the script") }, (context, values) =>
    decodeScript(context, values.hexstring),
  ),
  rpc("sendrawtransaction", CATEGORY, "takes and relays a transaction", { hexstring, maxfeerate }, (context, values) =>
    send(context, values.hexstring, values.maxfeerate),
  ),
  rpc(
    "testmempoolaccept",
    CATEGORY,
    "whether transactions would be taken, each by itself",
    { rawtxs: param.list("transactions", hexstring), maxfeerate },
    (context, values) => {
      if (values.rawtxs.length === 0 || values.rawtxs.length > MOST_TESTED)
        throw new RpcError("invalidParameter", `Array must contain between 1 and ${MOST_TESTED} transactions.`);
      return values.rawtxs.map((bytes) => test(context, bytes, values.maxfeerate));
    },
  ),
];
