/** Blocks: templates for miners outside, blocks from them, blocks at once. */
import { scriptOfAddress } from "../../address/address.ts";
import { AddressError } from "../../address/errors.ts";
import type { ChainEntry, Rejection } from "../../chain/types.ts";
import { difficultyOf } from "../../consensus/target.ts";
import { BlockchainError } from "../../errors.ts";
import { type Block, blockHash, decodeBlock, decodeHeader } from "../../primitives/block.ts";
import { hashFromText, hashText } from "../../primitives/hash.ts";
import type { Transaction } from "../../primitives/transaction.ts";
import { type RpcContext, type RpcMethod, rpc } from "../context.ts";
import { RpcError } from "../errors.ts";
import { optional, param, withDefault } from "../method.ts";
import { bitsText, targetText } from "../views/numbers.ts";
import { blockTemplate } from "./block-template.ts";
import { decode } from "./transactions.ts";

const DEFAULT_TRIES = 1_000_000;
const MOST_BLOCKS = 10_000;

export function scriptFor({ chain }: Pick<RpcContext, "chain">, address: string): Buffer {
  try {
    return scriptOfAddress(address, chain.network);
  } catch (cause) {
    if (!(cause instanceof AddressError)) throw cause;
    throw new RpcError("invalidAddressOrKey", "Error: Invalid address", { cause });
  }
}

/** `raw(HEX)` and `addr(ADDRESS)`, or an address; a checksum is not looked at. */
function scriptOfDescriptor(context: RpcContext, descriptor: string): Buffer {
  const [, kind, content = ""] = /^(raw|addr)\(([0-9a-zA-Z]*)\)(?:#[a-z0-9]{8})?$/.exec(descriptor) ?? [];
  if (kind === "raw" && content.length % 2 === 0 && /^[0-9a-f]*$/i.test(content)) return Buffer.from(content, "hex");
  if (kind === "addr") return scriptFor(context, content);
  if (kind === undefined && !descriptor.includes("(")) return scriptFor(context, descriptor);
  throw new RpcError("invalidAddressOrKey", "Only the descriptors raw(HEX) and addr(ADDRESS) are known");
}

async function generate(
  { miner }: RpcContext,
  script: Buffer,
  count: number,
  maxTries: number,
  signal: AbortSignal,
): Promise<string[]> {
  const hashes = await miner.generate(count, script, { maxTries, signal });
  return hashes.map(hashText);
}

async function generateBlock(context: RpcContext, output: string, transactions: readonly string[]): Promise<object> {
  const picked = transactions.map((text) => pick(context, text));
  const block = await context.miner.generateBlock(scriptOfDescriptor(context, output), picked);
  return { hash: hashText(blockHash(block.header)) };
}

/** A transaction by its id in the mempool, or in hexadecimal. */
function pick({ mempool }: RpcContext, text: string): Transaction {
  const hash = hashFromText(text);
  if (hash === undefined) return decode(Buffer.from(text, "hex"));
  const entry = mempool.get(hash);
  if (entry === undefined) throw new RpcError("invalidAddressOrKey", `Transaction ${text} not in mempool.`);
  return entry.tx;
}

/** Hashes per second, by the work of the last blocks and the time that they took. Genesis does not count: it was made long before. */
export function networkHashRate({ chain }: Pick<RpcContext, "chain">, blocks: number, height: number): number {
  const last = (height >= 0 && chain.at(height)) || chain.tip;
  const first = chain.ancestor(
    last,
    Math.max(Math.min(1, last.height), last.height - (blocks > 0 ? blocks : last.height)),
  );
  if (first === undefined || first === last) return 0;
  let [earliest, latest] = [last.time, last.time];
  for (let entry: ChainEntry | undefined = last; entry && entry.height >= first.height; entry = entry.parent) {
    earliest = Math.min(earliest, entry.time);
    latest = Math.max(latest, entry.time);
  }
  return latest > earliest ? Number(last.work - first.work) / (latest - earliest) : 0;
}

async function submitBlock({ chain }: RpcContext, bytes: Buffer): Promise<string | null> {
  const block = readBlock(bytes);
  if (chain.entry(blockHash(block.header))?.hasBlock) return "duplicate";
  const result = await chain.addBlock(block);
  if (result.ok) return chain.isActive(result.entry) ? null : "inconclusive";
  return bip22(result);
}

const bip22 = ({ fault, reason }: Rejection): string => (fault === "unknown" ? "prev-blk-not-found" : reason);

export function readBlock(bytes: Buffer): Block {
  try {
    return decodeBlock(bytes);
  } catch (cause) {
    if (!(cause instanceof BlockchainError)) throw cause;
    throw new RpcError("deserialization", "Block decode failed", { cause });
  }
}

async function submitHeader({ chain }: RpcContext, bytes: Buffer): Promise<null> {
  if (bytes.length !== 80) throw new RpcError("deserialization", "Block header decode failed");
  const header = decodeHeader(bytes);
  if (chain.entry(header.previous) === undefined)
    throw new RpcError("verify", `Must submit previous header (${hashText(header.previous)}) first`);
  const result = await chain.addHeaders([header]);
  if (!result.ok) throw new RpcError("verify", result.reason);
  return null;
}

function miningInfo(context: RpcContext): object {
  const { chain, mempool, miner } = context;
  const { lastTemplate, hashRate, isHashing, workers } = miner.status;
  const { bits } = miner.template();
  return {
    blocks: chain.tip.height,
    ...(lastTemplate && {
      currentblockweight: lastTemplate.weight,
      currentblocktx: lastTemplate.transactionCount,
    }),
    bits: bitsText(chain.tip.bits),
    difficulty: difficultyOf(chain.tip.bits),
    target: targetText(chain.tip.bits),
    networkhashps: networkHashRate(context, 120, -1),
    pooledtx: mempool.size,
    chain: chain.network.name,
    next: {
      height: chain.tip.height + 1,
      bits: bitsText(bits),
      difficulty: difficultyOf(bits),
      target: targetText(bits),
    },
    generate: isHashing,
    genproclimit: workers,
    hashespersec: hashRate,
    warnings: [],
  };
}

const count = param.integer("blocks", 1, MOST_BLOCKS);
const maxtries = withDefault(param.integer("hashes over all blocks", 1), DEFAULT_TRIES);

export const miningMethods: readonly RpcMethod[] = [
  rpc("getmininginfo", "Mining", "state of mining", {}, miningInfo),
  rpc(
    "getnetworkhashps",
    "Mining",
    "hashes per second of all miners, estimated",
    {
      nblocks: withDefault(param.integer("blocks to look at; -1: all"), 120),
      height: withDefault(param.integer("up to this height; -1: the tip"), -1),
    },
    (context, values) => networkHashRate(context, values.nblocks, values.height),
  ),
  rpc(
    "getblocktemplate",
    "Mining",
    "a block to be mined (BIP 22, BIP 23)",
    { template_request: withDefault(param.object("what is wanted"), { rules: ["segwit"] }) },
    (context, values, call) => blockTemplate(context, values.template_request, call),
  ),
  rpc(
    "submitblock",
    "Mining",
    "takes a block",
    { hexdata: param.hex("the block"), dummy: optional(param.json("ignored")) },
    (context, values) => submitBlock(context, values.hexdata),
  ),
  rpc("submitheader", "Mining", "takes a header", { hexdata: param.hex("the header") }, (context, values) =>
    submitHeader(context, values.hexdata),
  ),
  rpc(
    "generatetoaddress",
    "Generating",
    "mines blocks at once",
    { nblocks: count, address: param.string("where the coins go"), maxtries },
    (context, values, { signal }) =>
      generate(context, scriptFor(context, values.address), values.nblocks, values.maxtries, signal),
  ),
  rpc(
    "generatetodescriptor",
    "Generating",
    "mines blocks at once",
    { num_blocks: count, descriptor: param.string("raw(HEX) or addr(ADDRESS)"), maxtries },
    (context, values, { signal }) =>
      generate(context, scriptOfDescriptor(context, values.descriptor), values.num_blocks, values.maxtries, signal),
  ),
  rpc(
    "generateblock",
    "Generating",
    "mines a block with just these transactions",
    {
      output: param.string("address or descriptor"),
      transactions: param.list("ids or hexadecimal", param.string("transaction")),
    },
    (context, values) => generateBlock(context, values.output, values.transactions),
  ),
];
