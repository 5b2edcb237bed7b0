/** Nodes of a network inside the process: real chains, real messages, no sockets. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "@coracle/pod";
import { openChain } from "../../../src/chain/open-chain.ts";
import type { ChainOptions } from "../../../src/chain/options.ts";
import type { Chain } from "../../../src/chain/types.ts";
import { regtest } from "../../../src/consensus/params.ts";
import { consensusRules } from "../../../src/consensus/rules.ts";
import { createVerifier } from "../../../src/consensus/verifier.ts";
import type { Mempool } from "../../../src/mempool/types.ts";
import { openNetwork, type PeerNetwork } from "../../../src/p2p/network.ts";
import type { NetworkOptions } from "../../../src/p2p/options.ts";
import { MemoryNet } from "./memory-net.ts";

export const PORT = 2001;

/** Takes nothing and has nothing: for tests of blocks. */
export const emptyMempool = (): Mempool =>
  ({
    size: 0,
    sequence: 0,
    info: () => ({ minFeeRate: 1000, minRelayFeeRate: 1000, count: 0 }),
    get: () => undefined,
    getByWtxid: () => undefined,
    has: () => false,
    hasOrphan: () => false,
    entries: () => [].values(),
    byAncestorRate: () => [].values(),
    subscribe: () => () => undefined,
  }) as unknown as Mempool;

export interface TestNode {
  readonly host: string;
  readonly chain: Chain;
  readonly network: PeerNetwork;
  stop(): Promise<void>;
}

export class TestNodes {
  readonly net = new MemoryNet();
  readonly nodes: TestNode[] = [];
  readonly #dirs: string[] = [];
  readonly #verifier = createVerifier({ threads: 0 });

  async add(
    dials: readonly string[] = [],
    {
      mempoolOf,
      chainOptions,
      ...options
    }: Partial<NetworkOptions> & {
      readonly mempoolOf?: (chain: Chain) => Promise<Mempool>;
      readonly chainOptions?: Partial<ChainOptions>;
    } = {},
  ): Promise<TestNode> {
    const host = `10.0.0.${this.nodes.length + 1}`;
    const dir = await mkdtemp(join(tmpdir(), "blockchain-p2p-"));
    this.#dirs.push(dir);
    const chain = await openChain({
      dir: join(dir, "chain"),
      network: regtest,
      rules: consensusRules(regtest, this.#verifier),
      ...chainOptions,
    });
    const network = await openNetwork({
      chain,
      mempool: (await mempoolOf?.(chain)) ?? emptyMempool(),
      wiring: this.net.wiring(host),
      logger: silentLogger,
      host,
      port: PORT,
      externalHost: host,
      ...options,
      timing: { tickMs: 10, ...options.timing },
    });
    for (const dial of dials) network.addNode(dial, PORT);
    const stop = async (): Promise<void> => {
      await network.stop();
      await chain.close();
    };
    const node = { host, chain, network, stop };
    this.nodes.push(node);
    return node;
  }

  async stop(): Promise<void> {
    for (const node of this.nodes) await node.stop();
    await this.#verifier.close();
    for (const dir of this.#dirs) await rm(dir, { recursive: true, force: true });
  }
}

/** Polls; the bound only keeps a failing test from hanging. */
export async function until(isTrue: () => boolean, what = "the condition", boundMs = 30_000): Promise<void> {
  const end = Date.now() + boundMs;
  while (!isTrue()) {
    if (Date.now() > end) throw new Error(`${what} did not come true`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export const agree = (nodes: readonly TestNode[]): boolean =>
  nodes.every(({ chain }) => chain.tip.hash.equals(nodes[0]!.chain.tip.hash));
