/** Wallets on a test chain, in a folder of their own. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { scriptOfAddress } from "../../../src/address/address.ts";
import { regtest } from "../../../src/consensus/params.ts";
import type { WalletConfig } from "../../../src/wallet/config.ts";
import { type ChainWallets, openWallets } from "../../../src/wallet/wallets.ts";
import { TestChain, TestPool } from "./chain.ts";

/** Nobody's script. */
export const elsewhere = scriptOfAddress("mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn", regtest);
export const strangersAddress = "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn";

export interface TestNode {
  readonly chain: TestChain;
  readonly pool: TestPool;
  readonly wallets: ChainWallets;
  readonly path: string;
  readonly config: WalletConfig;
  readonly clock: { now: number };
  /** The same node after a restart of the wallets. */
  reopen(): Promise<TestNode>;
  scriptOf(address: string): Buffer;
  /** Mines empty blocks to nobody. */
  deepen(blocks: number): void;
}

const folders: string[] = [];
const nodes: TestNode[] = [];

/** For `afterEach`. */
export async function tidy(): Promise<void> {
  for (const { wallets } of nodes.splice(0)) await wallets.close();
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
}

export async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "coracle-wallet-"));
  folders.push(folder);
  return folder;
}

export async function openNode(options: Partial<WalletConfig> = {}): Promise<TestNode> {
  const clock = { now: 1_700_000_000_000 };
  const chain = new TestChain();
  const pool = new TestPool(chain);
  const config: WalletConfig = {
    network: regtest,
    chain,
    pool,
    now: () => clock.now,
    random: () => 0,
    cost: { n: 1024, r: 8, p: 1 },
    gapLimit: 20,
    ...options,
  };
  return start(join(await newFolder(), "wallets", "wallets.dat"), config, { chain, pool, clock });
}

async function start(
  path: string,
  config: WalletConfig,
  parts: { readonly chain: TestChain; readonly pool: TestPool; readonly clock: { now: number } },
): Promise<TestNode> {
  const wallets = await openWallets(path, config);
  const node: TestNode = {
    ...parts,
    wallets,
    path,
    config,
    reopen: async () => {
      await wallets.close();
      return start(path, config, parts);
    },
    scriptOf: (address) => scriptOfAddress(address, regtest),
    deepen: (blocks) => {
      for (let count = 0; count < blocks; count++) parts.chain.mine(elsewhere, [], parts.pool);
    },
  };
  nodes.push(node);
  return node;
}
