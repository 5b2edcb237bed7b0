/** Chain, pool and miner as in a node, by the real rules, on regtest with coins that ripen soon. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { NodeChain } from "../../../src/chain/chain.ts";
import { openChain } from "../../../src/chain/open-chain.ts";
import type { ChainOptions } from "../../../src/chain/options.ts";
import { type Network, regtest } from "../../../src/consensus/params.ts";
import { consensusRules } from "../../../src/consensus/rules.ts";
import { createVerifier, type Verifier } from "../../../src/consensus/verifier.ts";
import { type NodeMempool, openMempool } from "../../../src/mempool/open-mempool.ts";
import type { MempoolPolicy } from "../../../src/mempool/types.ts";
import { scriptVerifier } from "../../../src/mempool/verify.ts";
import { openMiner } from "../../../src/miner/open-miner.ts";
import type { MinerOptions } from "../../../src/miner/options.ts";
import type { Miner } from "../../../src/miner/types.ts";
import { sha256 } from "../../../src/primitives/hash.ts";
import { type OutPoint, type Transaction, txid } from "../../../src/primitives/transaction.ts";

export const MATURITY = 5;
export const network: Network = { ...regtest, coinbaseMaturity: MATURITY, halvingInterval: 100_000 };

/** Anyone may spend: a number, dropped, that makes it the owner's, and OP_TRUE. Above 16, for lower ones have opcodes of their own. */
export const witnessScriptOf = (owner: number): Buffer => Buffer.from([0x01, owner + 32, 0x75, 0x51]);
export const scriptOf = (owner: number): Buffer =>
  Buffer.concat([Buffer.from([0x00, 0x20]), sha256(witnessScriptOf(owner))]);

export interface Spend extends OutPoint {
  readonly owner: number;
  readonly sequence?: number;
}

export interface Payment {
  readonly value: number;
  readonly owner: number;
}

export const spend = (from: readonly Spend[], to: readonly Payment[], lockTime = 0): Transaction => ({
  version: 2,
  inputs: from.map(({ hash, index, owner, sequence = 0xfffffffd }) => ({
    prevout: { hash, index },
    script: Buffer.alloc(0),
    sequence,
    witness: [witnessScriptOf(owner)],
  })),
  outputs: to.map(({ value, owner }) => ({ value, script: scriptOf(owner) })),
  lockTime,
});

/** The n-th output of a transaction, as something to spend. */
export const outputOf = (tx: Transaction, index: number, owner: number): Spend => ({ hash: txid(tx), index, owner });

/** Wall time that tests move. */
export class TestClock {
  ms = 1_700_000_000_000;
  readonly #timers = new Set<{ readonly at: number; readonly callback: () => void }>();

  wallMs = (): number => this.ms;
  now = (): number => this.ms;
  after = (ms: number, callback: () => void): (() => void) => {
    const timer = { at: this.ms + ms, callback };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  };

  advance(ms: number): void {
    this.ms += ms;
    for (const timer of [...this.#timers]) {
      if (timer.at > this.ms || !this.#timers.delete(timer)) continue;
      timer.callback();
    }
  }
}

export interface NodeOptions {
  readonly policy?: Partial<MempoolPolicy>;
  readonly chain?: Partial<ChainOptions>;
  readonly miner?: Partial<MinerOptions>;
}

export class TestNode {
  readonly dir: string;
  readonly clock = new TestClock();
  readonly #options: NodeOptions;
  chain!: NodeChain;
  mempool!: NodeMempool;
  miner!: Miner;
  #verifier!: Verifier;

  private constructor(dir: string, options: NodeOptions) {
    this.dir = dir;
    this.#options = options;
  }

  static async open(options: NodeOptions = {}): Promise<TestNode> {
    const node = new TestNode(await mkdtemp(join(tmpdir(), "blockchain-node-")), options);
    await node.start();
    return node;
  }

  async start(): Promise<void> {
    const { clock, dir } = this;
    const { policy = {}, chain, miner } = this.#options;
    // Without threads: what is tested here is not their speed.
    this.#verifier = createVerifier({ threads: 0 });
    const rules = consensusRules(network, this.#verifier);
    const base = { dir: join(dir, "chain"), network, rules, clock, diskReserveBytes: 0 };
    this.chain = await openChain({ ...base, ...chain });
    const scripts = scriptVerifier(this.#verifier);
    this.mempool = await openMempool({ chain: this.chain, dir: join(dir, "pool"), policy, clock, scripts });
    this.miner = openMiner({ chain: this.chain, mempool: this.mempool, clock, ...miner });
  }

  async stop(): Promise<void> {
    await this.miner.close();
    await this.mempool.close();
    await this.chain.close();
    await this.#verifier.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await rm(this.dir, { recursive: true });
  }

  /** Mines, and returns the coinbases as something to spend. */
  async mine(count: number, owner = 1): Promise<Spend[]> {
    const mined: Spend[] = [];
    for (let i = 0; i < count; i++) {
      this.clock.advance(1_000);
      const [hash] = await this.miner.generate(1, scriptOf(owner));
      const block = await this.chain.block(this.chain.entry(hash!)!);
      mined.push(outputOf(block!.transactions[0]!, 0, owner));
    }
    return mined;
  }

  /** Mines coins and lets them ripen. */
  async ripe(count: number, owner = 1): Promise<Spend[]> {
    const coins = await this.mine(count, owner);
    await this.mine(MATURITY, 0);
    return coins;
  }
}
