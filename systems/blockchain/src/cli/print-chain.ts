/** The chain as the original prints it: block by block from the tip down. */
import type { Ask } from "./status.ts";

export const BLOCK_LINES = 100;

interface BlockJson {
  readonly hash: string;
  readonly previousblockhash?: string;
  readonly height: number;
  readonly time: number;
  readonly nonce: number;
  readonly tx: readonly string[];
}

export async function* printBlocks(ask: Ask, limit: number): AsyncGenerator<string> {
  let hash: string | undefined = (await ask("getbestblockhash")) as string;
  for (let count = 0; hash !== undefined && count < limit; count++) {
    const block = (await ask("getblock", hash, 1)) as BlockJson;
    yield `Height: ${block.height}`;
    yield `Hash: ${block.hash}`;
    yield `Pre block hash: ${block.previousblockhash ?? "none"}`;
    yield `Timestamp: ${new Date(block.time * 1000).toISOString()}`;
    yield `Nonce: ${block.nonce}`;
    for (const txid of block.tx) yield `- Transaction ${txid}`;
    yield "";
    hash = block.previousblockhash;
  }
}
