/**
 * The miner. In the background it takes a template, has its threads look for a nonce, and begins anew when the tip changes, when the pool pays
 * more, or when the time in the header grows old. Work on a block has no memory, so beginning anew loses nothing.
 */
import { blockSubsidy } from "../consensus/subsidy.ts";
import { BlockchainError } from "../errors.ts";
import { type Block, blockHash } from "../primitives/block.ts";
import { hashText } from "../primitives/hash.ts";
import type { Transaction } from "../primitives/transaction.ts";
import { feesOf, NonceFinder, submit } from "./generate.ts";
import { HashRate } from "./hash-rate.ts";
import { type MinerOptions, type ResolvedMinerOptions, resolve } from "./options.ts";
import { createBody, createTemplate } from "./template/template.ts";
import { Hashers } from "./threads/hashers.ts";
import type { BlockTemplate, GenerateOptions, Miner, MinerStatus } from "./types.ts";

export const openMiner = (options: MinerOptions): Miner => new NodeMiner(options);

/** How often it looks whether to begin anew. */
const TICK_MS = 1_000;
/** A header's time is at most so old. */
const MAX_AGE_MS = 15_000;
/** After a failure. */
const RETRY_MS = 5_000;
const MAX_GENERATED = 10_000;

class NodeMiner implements Miner {
  readonly #options: ResolvedMinerOptions;
  readonly #hashers: Hashers;
  readonly #rate = new HashRate();
  readonly #finder: NonceFinder;
  readonly #unsubscribe: () => void;
  #script: Buffer | undefined;
  #loop: Promise<void> | undefined;
  /** Aborted to stop the background miner. */
  #running = new AbortController();
  /** Aborted to begin anew. */
  #round = new AbortController();
  #waitingFor: string | undefined;
  #generating: Promise<unknown> = Promise.resolve();
  /** Demands under way or waiting for their turn: aborted to end them. */
  readonly #demands = new Set<AbortController>();
  #blocksFound = 0;
  #lastTemplate: MinerStatus["lastTemplate"];
  /** Blocks with transactions were refused on this tip: only empty ones until the next. */
  #mistrusted: Buffer | undefined;
  #isClosed = false;

  constructor(options: MinerOptions) {
    this.#options = resolve(options);
    this.#script = options.script;
    this.#hashers = new Hashers(Math.max(1, this.#options.workers));
    this.#finder = new NonceFinder(this.#hashers, this.#options.clock.wallMs());
    this.#running.abort();
    this.#unsubscribe = options.chain.onSettled(() => {
      // Aborting twice would make an error with its stack for each block of a sync.
      if (!this.#round.signal.aborted) this.#round.abort();
    });
  }

  get status(): MinerStatus {
    const { workers, cpuShare, clock } = this.#options;
    const { hashes } = this.#hashers;
    const isRunning = this.#loop !== undefined;
    return {
      isRunning,
      isHashing: isRunning && this.#waitingFor === undefined,
      waitingFor: isRunning ? this.#waitingFor : undefined,
      workers,
      cpuShare,
      hashRate: isRunning ? this.#rate.perSecond(hashes, clock.now()) : 0,
      hashes,
      blocksFound: this.#blocksFound,
      lastTemplate: this.#lastTemplate,
    };
  }

  start(): void {
    if (this.#loop || this.#isClosed || this.#options.workers === 0) return;
    this.#running = new AbortController();
    this.#loop = this.#mine(this.#running.signal);
  }

  async stop(): Promise<void> {
    this.#running.abort();
    this.#round.abort();
    await this.#loop;
    this.#loop = undefined;
    if (this.#demands.size === 0) await this.#hashers.stop();
  }

  setScript(script: Buffer): void {
    this.#script = script;
    this.#round.abort();
  }

  template(): BlockTemplate {
    const { chain, mempool, clock } = this.#options;
    const isMistrusted = this.#mistrusted?.equals(chain.tip.hash) === true;
    const nowSeconds = Math.floor(clock.wallMs() / 1000);
    const template = createTemplate({ chain, pool: isMistrusted ? undefined : mempool, nowSeconds });
    this.#lastTemplate = { weight: template.weight, transactionCount: template.entries.length };
    return template;
  }

  generate(count: number, script: Buffer, options: GenerateOptions = {}): Promise<readonly Buffer[]> {
    if (!Number.isInteger(count) || count < 0 || count > MAX_GENERATED) {
      return Promise.reject(
        new BlockchainError("bad-request", `Between 0 and ${MAX_GENERATED} blocks can be generated at once.`),
      );
    }
    return this.#inTurn((signal) => this.#generate(count, script, options, signal), options.signal);
  }

  generateBlock(script: Buffer, transactions: readonly Transaction[]): Promise<Block> {
    return this.#inTurn(async (signal) => {
      const { chain } = this.#options;
      const template = this.template();
      const { height, version, previous, time, bits } = template;
      const fees = feesOf(transactions, (outpoint) => chain.coin(outpoint));
      const body = createBody({ height, transactions, coinbaseValue: blockSubsidy(chain.network, height) + fees });
      const blockOf = (extraNonce: number): Block => {
        const { merkleRoot, transactions: all } = body.of(script, extraNonce);
        return { header: { version, previous, merkleRoot, time, bits, nonce: 0 }, transactions: all };
      };
      const { block } = await this.#finder.find({ blockOf, maxHashes: Number.MAX_SAFE_INTEGER, signal });
      if (!block) throw stopped();
      await this.#submit(block);
      return block;
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#unsubscribe();
    for (const demand of this.#demands) demand.abort();
    await this.stop();
    await this.#generating;
    await this.#hashers.stop();
  }

  async #mine(signal: AbortSignal): Promise<void> {
    const { logger } = this.#options;
    while (!signal.aborted) {
      this.#round = new AbortController();
      const round = this.#round.signal;
      try {
        this.#waitingFor = this.#obstacle();
        if (this.#waitingFor) await this.#pause(TICK_MS, round);
        else await this.#mineOne(this.template(), this.#script as Buffer, round);
      } catch (error) {
        logger.error("mining failed and is tried again", { error });
        await this.#pause(RETRY_MS, signal);
      }
    }
  }

  async #mineOne(template: BlockTemplate, script: Buffer, signal: AbortSignal): Promise<void> {
    const { cpuShare, logger } = this.#options;
    const stopTicking = this.#tick(template);
    // Begun anywhere, so that two miners of one address do not try the same.
    let extraNonce = Math.floor(Math.random() * 2 ** 48);
    try {
      const block = await this.#hashers.search({ next: () => template.block(script, extraNonce++), cpuShare, signal });
      if (!block) return;
      await this.#submit(block);
      logger.info("mined a block", {
        height: template.height,
        hash: hashText(blockHash(block.header)),
        fees: template.fees,
      });
    } finally {
      stopTicking();
    }
  }

  /** Once a second: measures, and begins anew if there is reason to. */
  #tick(template: BlockTemplate): () => void {
    const { clock, mempool } = this.#options;
    const begun = clock.now();
    let seen = mempool.sequence;
    let cancel = (): void => undefined;
    const again = (): void => {
      this.#rate.record(this.#hashers.hashes, clock.now());
      const isOld = clock.now() - begun > MAX_AGE_MS;
      const isPoolNew = mempool.sequence !== seen;
      seen = mempool.sequence;
      if (isOld || this.#obstacle() || (isPoolNew && this.template().fees > template.fees)) this.#round.abort();
      else cancel = clock.after(TICK_MS, again);
    };
    cancel = clock.after(TICK_MS, again);
    return () => cancel();
  }

  /** Why it can't or shouldn't mine now. */
  #obstacle(): string | undefined {
    const { chain, mempool, policy, isSyncing } = this.#options;
    if (this.#demands.size > 0) return "blocks generated on demand";
    if (!this.#script) return "an address to mine to";
    if (chain.state.kind !== "running") return "the chain database";
    if (isSyncing()) return "blocks of other nodes";
    if (policy.kind === "transactions" && mempool.size < policy.atLeast) return `${policy.atLeast} transactions`;
    return undefined;
  }

  async #generate(
    count: number,
    script: Buffer,
    { maxTries }: GenerateOptions,
    signal: AbortSignal,
  ): Promise<Buffer[]> {
    const hashes: Buffer[] = [];
    let left = maxTries ?? Number.MAX_SAFE_INTEGER;
    while (hashes.length < count && left > 0 && !signal.aborted) {
      const template = this.template();
      const blockOf = (extraNonce: number): Block => template.block(script, extraNonce);
      const found = await this.#finder.find({ blockOf, maxHashes: left, signal });
      left -= found.hashes;
      if (!found.block) break;
      hashes.push(await this.#submit(found.block));
    }
    return hashes;
  }

  async #submit(block: Block): Promise<Buffer> {
    try {
      const hash = await submit(this.#options.chain, block);
      this.#blocksFound++;
      return hash;
    } catch (error) {
      const isOurs = error instanceof BlockchainError && !NOT_THE_BLOCKS_FAULT.has(error.code);
      if (isOurs && block.transactions.length > 1) this.#mistrusted = block.header.previous;
      throw error;
    }
  }

  /** One demand at a time; the background miner rests meanwhile. */
  #inTurn<T>(work: (signal: AbortSignal) => Promise<T>, outer?: AbortSignal): Promise<T> {
    if (this.#isClosed) return Promise.reject(stopped());
    const demand = new AbortController();
    const abort = (): void => demand.abort();
    outer?.addEventListener("abort", abort);
    if (outer?.aborted) abort();
    this.#demands.add(demand);
    this.#round.abort();
    const result = this.#generating.then(() => work(demand.signal));
    this.#generating = result
      .catch(() => undefined)
      .then(() => {
        outer?.removeEventListener("abort", abort);
        this.#demands.delete(demand);
      });
    return result;
  }

  #pause(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const finish = (): void => {
        cancel();
        signal.removeEventListener("abort", finish);
        resolve();
      };
      const cancel = this.#options.clock.after(ms, finish);
      signal.addEventListener("abort", finish);
      if (signal.aborted) finish();
    });
  }
}

const NOT_THE_BLOCKS_FAULT: ReadonlySet<string> = new Set(["disk-full", "closed", "failed", "busy", "database"]);

const stopped = (): BlockchainError => new BlockchainError("closed", "The miner was stopped.");
