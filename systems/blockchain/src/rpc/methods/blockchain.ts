/** The chain and its coins. */
import type { ChainEntry, CoinSetHash } from "../../chain/types.ts";
import { difficultyOf } from "../../consensus/target.ts";
import { encodeHeader } from "../../primitives/block.ts";
import { hashText } from "../../primitives/hash.ts";
import type { RpcContext, RpcMethod } from "../context.ts";
import { rpc } from "../context.ts";
import { RpcError } from "../errors.ts";
import { optional, param, withDefault } from "../method.ts";
import { blockView, headerView } from "../views/block.ts";
import { bitsText, coins, targetText, workText } from "../views/numbers.ts";
import { scriptView } from "../views/script.ts";
import { waitMethods } from "./waiting.ts";

const CATEGORY = "Blockchain";

export function entryOf({ chain }: Pick<RpcContext, "chain">, hash: Buffer): ChainEntry {
  const entry = chain.entry(hash);
  if (entry === undefined) throw new RpcError("invalidAddressOrKey", "Block not found");
  return entry;
}

function entryAt({ chain }: RpcContext, height: number): ChainEntry {
  const entry = chain.at(height);
  if (entry === undefined) throw new RpcError("invalidParameter", "Block height out of range");
  return entry;
}

const missingBlock = (entry: ChainEntry): RpcError =>
  new RpcError("misc", entry.hasBlock ? "Block can't be read" : "Block not available (not fully downloaded)");

async function getBlock(context: RpcContext, blockhash: Buffer, verbosity: number): Promise<unknown> {
  const { chain } = context;
  const entry = entryOf(context, blockhash);
  if (verbosity <= 0) {
    const raw = await chain.rawBlock(entry);
    if (raw === undefined) throw missingBlock(entry);
    return raw.toString("hex");
  }
  const block = await chain.block(entry);
  if (block === undefined) throw missingBlock(entry);
  const spent = verbosity >= 2 ? await chain.spent(entry) : undefined;
  return blockView(chain, chain.network, entry, block, verbosity, spent);
}

function chainTips({ chain }: RpcContext): object[] {
  return chain.tips().map((entry) => ({
    height: entry.height,
    hash: hashText(entry.hash),
    branchlen: entry.height - chain.fork(entry, chain.tip).height,
    status: tipStatus(chain.tip === entry, entry),
  }));
}

function tipStatus(isActive: boolean, { isInvalid, hasBlock, chainTransactionCount }: ChainEntry): string {
  if (isActive) return "active";
  if (isInvalid) return "invalid";
  if (!hasBlock) return "headers-only";
  return chainTransactionCount > 0 ? "valid-fork" : "valid-headers";
}

function info(context: RpcContext): object {
  const { chain, network } = context;
  const { tip, bestHeader } = chain;
  return {
    chain: chain.network.name,
    blocks: tip.height,
    headers: bestHeader.height,
    bestblockhash: hashText(tip.hash),
    bits: bitsText(tip.bits),
    target: targetText(tip.bits),
    difficulty: difficultyOf(tip.bits),
    time: tip.time,
    mediantime: chain.medianTimePast(tip),
    verificationprogress: bestHeader.height === 0 ? 1 : Math.min(1, tip.height / bestHeader.height),
    // A chain on which nobody mines is in step all the same.
    initialblockdownload: network.isSyncing,
    chainwork: workText(tip.work),
    pruned: false,
    warnings: chain.state.kind === "running" || chain.state.kind === "closed" ? [] : [chain.state.message],
  };
}

async function coinStats({ chain }: RpcContext, kind: CoinSetHash): Promise<object> {
  const { entry, coinCount, transactionCount, totalAmount, sizeBytes, hash } = await chain.coinStats(kind);
  return {
    height: entry.height,
    bestblock: hashText(entry.hash),
    txouts: coinCount,
    transactions: transactionCount,
    bogosize: sizeBytes,
    ...(hash && { [kind]: hashText(hash) }),
    total_amount: coins(totalAmount),
    disk_size: sizeBytes,
  };
}

function txOut(context: RpcContext, txid: Buffer, n: number, includeMempool: boolean): object | null {
  const { chain, mempool } = context;
  const outpoint = { hash: txid, index: n };
  const coin = includeMempool ? mempool.coin(outpoint) : chain.coin(outpoint);
  if (coin === undefined) return null;
  const isConfirmed = chain.coin(outpoint) !== undefined;
  return {
    bestblock: hashText(chain.tip.hash),
    confirmations: isConfirmed ? chain.tip.height - coin.height + 1 : 0,
    value: coins(coin.value),
    scriptPubKey: scriptView(coin.script, chain.network),
    coinbase: coin.isCoinbase,
  };
}

async function mark(context: RpcContext, blockhash: Buffer, how: "invalidate" | "reconsider"): Promise<null> {
  entryOf(context, blockhash);
  await context.chain[how](blockhash);
  return null;
}

const blockhash = param.hash("hash of the block");
const height = param.integer("height of the block", 0);
const hashType = param.oneOf<CoinSetHash>("kind of hash", ["hash_serialized_3", "muhash", "none"]);

export const blockchainMethods: readonly RpcMethod[] = [
  rpc("getblockchaininfo", CATEGORY, "state of the chain", {}, (context) => info(context)),
  rpc("getbestblockhash", CATEGORY, "hash of the tip", {}, ({ chain }) => hashText(chain.tip.hash)),
  rpc("getblockcount", CATEGORY, "height of the tip", {}, ({ chain }) => chain.tip.height),
  rpc("getblockhash", CATEGORY, "hash at a height", { height }, (context, values) =>
    hashText(entryAt(context, values.height).hash),
  ),
  rpc(
    "getblockheader",
    CATEGORY,
    "header of a block",
    { blockhash, verbose: withDefault(param.boolean("false: as hexadecimal"), true) },
    (context, values) => {
      const entry = entryOf(context, values.blockhash);
      if (values.verbose) return headerView(context.chain, entry);
      return encodeHeader(context.chain.header(entry)).toString("hex");
    },
  ),
  rpc(
    "getblock",
    CATEGORY,
    "a block",
    {
      blockhash,
      verbosity: withDefault(param.verbosity("0 hexadecimal, 1 ids, 2 transactions, 3 with what they spend"), 1),
    },
    (context, values) => getBlock(context, values.blockhash, values.verbosity),
  ),
  rpc("getchaintips", CATEGORY, "ends of all branches", {}, (context) => chainTips(context)),
  rpc("getdifficulty", CATEGORY, "difficulty of the tip", {}, ({ chain }) => difficultyOf(chain.tip.bits)),
  rpc(
    "getchaintxstats",
    CATEGORY,
    "transactions over time",
    { nblocks: optional(param.integer("blocks of the window", 0)), blockhash: optional(blockhash) },
    (context, values) => {
      const { chain } = context;
      const last = values.blockhash ? entryOf(context, values.blockhash) : chain.tip;
      const count = Math.min(values.nblocks ?? 4320, Math.max(0, last.height - 1));
      const first = chain.ancestor(last, last.height - count) ?? chain.genesis;
      const seconds = chain.medianTimePast(last) - chain.medianTimePast(first);
      const transactions = last.chainTransactionCount - first.chainTransactionCount;
      return {
        time: last.time,
        txcount: last.chainTransactionCount,
        window_final_block_hash: hashText(last.hash),
        window_final_block_height: last.height,
        window_block_count: count,
        ...(count > 0 && { window_tx_count: transactions, window_interval: seconds }),
        ...(seconds > 0 && { txrate: transactions / seconds }),
      };
    },
  ),
  rpc(
    "gettxout",
    CATEGORY,
    "an unspent output, or null",
    {
      txid: param.hash("transaction"),
      n: param.integer("number of the output", 0, 0xffffffff),
      include_mempool: withDefault(param.boolean("false: as the chain has it"), true),
    },
    (context, values) => txOut(context, values.txid, values.n, values.include_mempool),
  ),
  rpc(
    "gettxoutsetinfo",
    CATEGORY,
    "counts and hash of all unspent outputs; takes a while",
    { hash_type: withDefault(hashType, "hash_serialized_3") },
    (context, values) => coinStats(context, values.hash_type),
  ),
  rpc("invalidateblock", CATEGORY, "treats a block as invalid", { blockhash }, (context, values) =>
    mark(context, values.blockhash, "invalidate"),
  ),
  rpc("reconsiderblock", CATEGORY, "takes back invalidateblock", { blockhash }, (context, values) =>
    mark(context, values.blockhash, "reconsider"),
  ),
  ...waitMethods,
];
