/** Reads the tree at the start, and looks whether the last blocks are what they should be before anything is built on them. */

import type { Network } from "../consensus/params.ts";
import { BlockchainError } from "../errors.ts";
import { type Block, type BlockHeader, blockHash } from "../primitives/block.ts";
import { hashKey } from "../primitives/hash.ts";
import { txMerkleRoot } from "../primitives/merkle.ts";
import type { IndexOptions } from "./blocks/index-rows.ts";
import { damaged } from "./errors.ts";
import { blockRows, type ChainStore, tipRow } from "./store/chain-store.ts";
import { FACTS } from "./store/keys.ts";
import { Entry } from "./tree/entry.ts";
import { HeaderTree } from "./tree/tree.ts";

/** As many blocks below the tip are read at the start: what a torn write could have touched. */
const CHECKED_BLOCKS = 6;
const FORMAT = 2;

const describe = (network: Network, indexes: IndexOptions): string =>
  JSON.stringify({ format: FORMAT, network: network.name, genesis: network.genesisHash.toString("hex"), ...indexes });

/** Rejects with `damaged`, or with `bad-config` when the database was made for another network or other indexes. */
export async function loadTree(store: ChainStore, network: Network, indexes: IndexOptions): Promise<HeaderTree> {
  const genesis = new Entry(network.genesis.header, undefined);
  await prepare(store, network, indexes, genesis);
  const tree = new HeaderTree(genesis);
  for await (const record of store.headers()) {
    const entry = placeHeader(tree, record.header);
    entry.isFailed = record.isFailed;
    entry.isInvalid ||= record.isFailed;
    if (entry !== genesis) tree.add(entry);
    if (record.hasBlock) tree.blockStored(entry, record.transactionCount);
  }
  tree.setActive(await storedTip(store, tree));
  await checkTail(store, tree);
  return tree;
}

async function prepare(store: ChainStore, network: Network, indexes: IndexOptions, genesis: Entry): Promise<void> {
  const wanted = describe(network, indexes);
  const found = (await store.database.get(FACTS.format))?.toString();
  if (found === wanted) return;
  if (found !== undefined) throw otherFormat(store.database.dir, found, wanted);
  if (await store.tipHash()) throw damaged("it has a tip but does not say of which network");
  const format = { type: "put", key: FACTS.format, value: Buffer.from(wanted) } as const;
  await store.database.write([format, ...blockRows(genesis, network.genesis), tipRow(genesis)], { durable: true });
}

const otherFormat = (dir: string, found: string, wanted: string): BlockchainError =>
  new BlockchainError(
    "bad-config",
    `The chain database ${dir} was made with ${found}, and ${wanted} is asked for. It was left as it is. ` +
      "Start with the settings it was made with, or name another folder and let the node fetch the chain anew.",
  );

function placeHeader(tree: HeaderTree, header: BlockHeader): Entry {
  const hash = blockHash(header);
  if (hash.equals(tree.genesis.hash)) return tree.genesis;
  const parent = tree.get(hashKey(header.previous));
  if (!parent) throw damaged("a header has no parent");
  return new Entry(header, parent);
}

async function storedTip(store: ChainStore, tree: HeaderTree): Promise<Entry> {
  const hash = await store.tipHash();
  const tip = hash && tree.get(hashKey(hash));
  if (!tip || tip.chainTransactionCount === 0) throw damaged("the block at the tip is missing");
  return tip;
}

async function checkTail(store: ChainStore, tree: HeaderTree): Promise<void> {
  const lowest = Math.max(1, tree.tip.height - CHECKED_BLOCKS + 1);
  for (let height = tree.tip.height; height >= lowest; height--) {
    const entry = tree.at(height) as Entry;
    checkBlock(await store.block(entry), height);
    if (!(await store.spent(entry))) throw damaged(`what undoes the block at height ${height} is missing`);
  }
}

function checkBlock(block: Block | undefined, height: number): void {
  if (!block?.header.merkleRoot.equals(txMerkleRoot(block.transactions).root)) {
    throw damaged(`the block at height ${height} has been altered`);
  }
}
