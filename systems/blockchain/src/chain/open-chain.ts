import { BlockchainError } from "../errors.ts";
import { NodeChain } from "./chain.ts";
import { asDatabaseError } from "./errors.ts";
import { loadTree } from "./load.ts";
import { type ChainOptions, resolve } from "./options.ts";
import { ChainStore } from "./store/chain-store.ts";
import { openDatabase } from "./store/database.ts";

/**
 * Opens the chain in `dir`, making it if there is none, and goes to the best tip stored there. Rejects with `locked`, `damaged`, `bad-config`,
 * `disk-full` or `database`; nothing is left open then.
 */
export async function openChain(options: ChainOptions): Promise<NodeChain> {
  const resolved = resolve(options);
  const { dir, databaseCacheBytes: cacheBytes } = resolved;
  const database = await (options.open ?? (() => openDatabase({ dir, cacheBytes })))();
  try {
    const tree = await loadTree(new ChainStore(database), resolved.network, resolved.indexes);
    const chain = new NodeChain(resolved, database, tree);
    await chain.resume();
    return chain;
  } catch (error) {
    await database.close();
    throw error instanceof BlockchainError ? error : asDatabaseError(error, dir);
  }
}
