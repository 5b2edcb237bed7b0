/** What waits for a block, and what it costs not to wait long. */

import { MAX_DATA_BYTES } from "../../mempool/policy/standard.ts";
import type { MempoolEntry } from "../../mempool/types.ts";
import { hashText } from "../../primitives/hash.ts";
import { type RpcContext, type RpcMethod, rpc } from "../context.ts";
import { RpcError } from "../errors.ts";
import { optional, param, withDefault } from "../method.ts";
import { coins } from "../views/numbers.ts";

function entryView(entry: MempoolEntry): object {
  const { vsize, weight, time, height, ancestors, descendants, wtxid, parents, children, isReplaceable } = entry;
  return {
    vsize,
    weight,
    time,
    height,
    descendantcount: descendants.count,
    descendantsize: descendants.vsize,
    ancestorcount: ancestors.count,
    ancestorsize: ancestors.vsize,
    wtxid: hashText(wtxid),
    fees: {
      base: coins(entry.fee),
      modified: coins(entry.modifiedFee),
      ancestor: coins(ancestors.fees),
      descendant: coins(descendants.fees),
    },
    depends: idsOf(parents),
    spentby: idsOf(children),
    "bip125-replaceable": isReplaceable,
    // What is here was announced to every peer when it came.
    unbroadcast: false,
  };
}

const idsOf = (entries: Iterable<MempoolEntry>): string[] => [...entries].map(({ txid }) => hashText(txid));

function entryOf({ mempool }: RpcContext, txid: Buffer): MempoolEntry {
  const entry = mempool.get(txid);
  if (entry === undefined) throw new RpcError("invalidAddressOrKey", "Transaction not in mempool");
  return entry;
}

function listed(entries: Iterable<MempoolEntry>, isVerbose: boolean): unknown {
  if (!isVerbose) return idsOf(entries);
  return Object.fromEntries([...entries].map((entry) => [hashText(entry.txid), entryView(entry)]));
}

function info({ mempool }: RpcContext): object {
  const { count, vbytes, usageBytes, totalFee, maxSizeBytes, replacement, ...rates } = mempool.info();
  const { minFeeRate, minRelayFeeRate, incrementalFeeRate } = rates;
  return {
    loaded: true,
    size: count,
    bytes: vbytes,
    usage: usageBytes,
    total_fee: coins(totalFee),
    maxmempool: maxSizeBytes,
    mempoolminfee: coins(minFeeRate),
    minrelaytxfee: coins(minRelayFeeRate),
    incrementalrelayfee: coins(incrementalFeeRate),
    fullrbf: replacement === "all",
    permitbaremultisig: true,
    maxdatacarriersize: MAX_DATA_BYTES,
    unbroadcastcount: 0,
  };
}

const txid = param.hash("transaction");
const verbose = withDefault(param.boolean("with all that is known of each"), false);

export const mempoolMethods: readonly RpcMethod[] = [
  rpc("getmempoolinfo", "Blockchain", "state of the mempool", {}, info),
  rpc(
    "getrawmempool",
    "Blockchain",
    "all that waits",
    { verbose, mempool_sequence: withDefault(param.boolean("with the sequence number"), false) },
    (context, values) => {
      const all = listed(context.mempool.entries(), values.verbose);
      return values.mempool_sequence ? { txids: all, mempool_sequence: context.mempool.sequence } : all;
    },
  ),
  rpc("getmempoolentry", "Blockchain", "one that waits", { txid }, (context, values) =>
    entryView(entryOf(context, values.txid)),
  ),
  rpc("getmempoolancestors", "Blockchain", "what it depends on", { txid, verbose }, (context, values) =>
    listed(context.mempool.ancestorsOf(entryOf(context, values.txid)), values.verbose),
  ),
  rpc("getmempooldescendants", "Blockchain", "what depends on it", { txid, verbose }, (context, values) =>
    listed(context.mempool.descendantsOf(entryOf(context, values.txid)), values.verbose),
  ),
  rpc("savemempool", "Blockchain", "writes the mempool to its file", {}, async ({ mempool }) => {
    await mempool.save();
    return {};
  }),
  rpc(
    "prioritisetransaction",
    "Mining",
    "makes the miner see another fee",
    { txid, dummy: optional(param.number("must be 0")), fee_delta: param.integer("satoshis") },
    ({ mempool }, values) => {
      mempool.prioritise(values.txid, values.fee_delta);
      return true;
    },
  ),
  rpc(
    "estimatesmartfee",
    "Util",
    "fee rate for confirmation within some blocks",
    {
      conf_target: param.integer("blocks", 1, 1008),
      estimate_mode: withDefault(param.string("economical or conservative"), "economical"),
    },
    ({ mempool }, values) => {
      const mode = values.estimate_mode.toLowerCase() === "conservative" ? "conservative" : "economical";
      const { feeRate, blocks, errors } = mempool.estimateFee(values.conf_target, mode);
      return {
        ...(feeRate !== undefined && { feerate: coins(Math.ceil(feeRate)) }),
        ...(errors.length > 0 && { errors }),
        blocks,
      };
    },
  ),
];
