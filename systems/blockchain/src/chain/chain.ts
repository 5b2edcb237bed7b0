/** The chain's front: reads are answered from memory or the database, changes go one after the other. */
import { medianTimePast } from "../consensus/difficulty.ts";
import type { Network } from "../consensus/params.ts";
import { BlockchainError } from "../errors.ts";
import type { Block, BlockHeader } from "../primitives/block.ts";
import { hashKey, hashText } from "../primitives/hash.ts";
import { type OutPoint, txid as txidOf } from "../primitives/transaction.ts";
import { Activation } from "./activation.ts";
import { CoinSet } from "./coins/coin-set.ts";
import { DiskWatch } from "./disk-watch.ts";
import { closed } from "./errors.ts";
import { Intake } from "./intake.ts";
import { Ledger } from "./ledger.ts";
import { Listeners } from "./listeners.ts";
import { Lookahead } from "./lookahead.ts";
import { findFork, locator, missing, tips } from "./navigation.ts";
import type { ResolvedOptions } from "./options.ts";
import { countCoins, ScriptQueries } from "./queries.ts";
import { answer, refuse } from "./rules.ts";
import { Serial } from "./serial.ts";
import { ChainStore, headerRow } from "./store/chain-store.ts";
import type { Database } from "./store/database.ts";
import { endOf, TABLES, transactionKey } from "./store/keys.ts";
import { decodePlace } from "./store/records.ts";
import { type Entry, forkOf } from "./tree/entry.ts";
import type { HeaderTree } from "./tree/tree.ts";
import type * as api from "./types.ts";

const MAX_WAITING = 1024;

export class NodeChain implements api.Chain {
  readonly network: Network;
  readonly #options: ResolvedOptions;
  readonly #tree: HeaderTree;
  readonly #store: ChainStore;
  readonly #coins: CoinSet;
  readonly #disk: DiskWatch;
  readonly #ahead: Lookahead;
  readonly #ledger: Ledger;
  readonly #activation: Activation;
  readonly #intake: Intake;
  readonly #scripts: ScriptQueries;
  readonly #serial = new Serial(MAX_WAITING);
  readonly #events: Listeners<readonly [api.ChainEvent]>;
  readonly #settled: Listeners<Parameters<api.SettledListener>>;
  readonly #states: Listeners<readonly [api.ChainState]>;
  #closing: Promise<void> | undefined;

  constructor(options: ResolvedOptions, database: Database, tree: HeaderTree) {
    const { network, rules, logger, clock, indexes, maxSideHeaders, maxHeadersAhead } = options;
    this.network = network;
    this.#options = options;
    this.#tree = tree;
    this.#store = new ChainStore(database);
    this.#events = new Listeners(logger);
    this.#settled = new Listeners(logger);
    this.#states = new Listeners(logger);
    this.#coins = new CoinSet(database, options.coinCacheBytes);
    this.#scripts = new ScriptQueries(database, indexes);
    this.#disk = new DiskWatch({
      database,
      clock,
      reserveBytes: options.diskReserveBytes,
      onChange: (state) => this.#stateChanged(state),
      onRoom: () => void this.resume().catch((error) => logger.error("the chain can't go on", { error })),
    });
    const nowSeconds = (): number => Math.floor(clock.wallMs() / 1000);
    this.#ahead = new Lookahead({ coins: this.#coins, rules, nowSeconds });
    const shared = { tree, store: this.#store, rules, ahead: this.#ahead };
    this.#ledger = new Ledger({ ...shared, coins: this.#coins, indexes, events: this.#events });
    const activating = { ...shared, ledger: this.#ledger, disk: this.#disk, logger, settled: this.#settled };
    this.#activation = new Activation(activating);
    this.#intake = new Intake({
      ...shared,
      activation: this.#activation,
      disk: this.#disk,
      maxSideHeaders,
      maxHeadersAhead,
      nowSeconds,
    });
  }

  get genesis(): api.ChainEntry {
    return this.#tree.genesis;
  }

  get tip(): api.ChainEntry {
    return this.#tree.tip;
  }

  get bestHeader(): api.ChainEntry {
    return this.#tree.best;
  }

  get state(): api.ChainState {
    return this.#disk.state;
  }

  /** For metrics. */
  get coinCache(): { readonly count: number; readonly sizeBytes: number } {
    return { count: this.#coins.cachedCount, sizeBytes: this.#coins.cachedBytes };
  }

  /** For metrics: headers in memory, of all branches. */
  get headerCount(): number {
    return this.#tree.size;
  }

  entry(hash: Buffer): api.ChainEntry | undefined {
    return this.#tree.get(hashKey(hash));
  }

  at(height: number): api.ChainEntry | undefined {
    return this.#tree.at(height);
  }

  isActive(entry: api.ChainEntry): boolean {
    return this.#tree.isActive(own(entry));
  }

  ancestor(entry: api.ChainEntry, height: number): api.ChainEntry | undefined {
    return own(entry).ancestor(height);
  }

  fork(a: api.ChainEntry, b: api.ChainEntry): api.ChainEntry {
    return forkOf(own(a), own(b));
  }

  medianTimePast(entry: api.ChainEntry): number {
    return medianTimePast(entry);
  }

  header(entry: api.ChainEntry): BlockHeader {
    return this.#store.header(own(entry));
  }

  coin(outpoint: OutPoint): api.Coin | undefined {
    return this.#coins.get(outpoint);
  }

  locator(from: api.ChainEntry = this.#tree.best): Buffer[] {
    return locator(own(from));
  }

  findFork(hashes: readonly Buffer[]): api.ChainEntry {
    return findFork(this.#tree, hashes);
  }

  tips(): readonly api.ChainEntry[] {
    return tips(this.#tree);
  }

  missing(limit: number, target: api.ChainEntry = this.#tree.best): readonly api.ChainEntry[] {
    return missing(this.#tree, limit, own(target));
  }

  addHeaders(headers: readonly BlockHeader[]): Promise<api.HeadersResult> {
    if (headers.length === 0) return Promise.resolve({ ok: true, last: this.#tree.best, added: 0 });
    return this.#change(() => this.#intake.headers(headers));
  }

  async addBlock(block: Block, { requested = true } = {}): Promise<api.BlockResult> {
    // Now, while threads may be at work on the block before; they are kept with the transactions.
    for (const tx of block.transactions) txidOf(tx);
    this.#ahead.expect(block);
    try {
      return await this.#change(() => this.#intake.block(block, requested));
    } catch (error) {
      if (!(error instanceof BlockchainError && error.code === "disk-full")) throw error;
      return refuse("refused", "disk-full", error.message);
    } finally {
      this.#ahead.forget(block);
    }
  }

  testBlock(block: Block): Promise<{ readonly ok: true } | api.Rejection> {
    return this.#change(async () => {
      const { tip } = this.#tree;
      if (!block.header.previous.equals(tip.hash)) return refuse("refused", "inconclusive-not-best-prevblk");
      const verdict = this.#options.rules.checkBlock(block, tip);
      if (verdict) return answer(verdict);
      const result = await this.#ledger.verify(block, tip);
      return "reason" in result ? answer(result) : { ok: true };
    });
  }

  invalidate(hash: Buffer): Promise<void> {
    return this.#change(async () => {
      const entry = this.#known(hash);
      if (entry === this.#tree.genesis) throw new BlockchainError("bad-request", "Genesis can't be invalidated.");
      await this.#activation.fail(entry);
      await this.#activation.run();
    });
  }

  reconsider(hash: Buffer): Promise<void> {
    return this.#change(async () => {
      const freed = this.#tree.reconsider(this.#known(hash));
      const rows = freed.map((entry) => headerRow(entry, this.#store.header(entry)));
      await this.#store.database.write(rows, { durable: true });
      await this.#activation.run();
    });
  }

  /** Goes on to the best tip that is stored: at the start, and after the disk was full. */
  resume(): Promise<void> {
    return this.#change(() => this.#activation.run());
  }

  rawBlock(entry: api.ChainEntry): Promise<Buffer | undefined> {
    return this.#store.rawBlock(own(entry));
  }

  block(entry: api.ChainEntry): Promise<Block | undefined> {
    return this.#store.block(own(entry));
  }

  spent(entry: api.ChainEntry): Promise<readonly (readonly api.Coin[])[] | undefined> {
    return this.#store.spent(own(entry));
  }

  spentBy({ entry, position }: api.FoundTransaction): Promise<readonly api.Coin[] | undefined> {
    return this.#store.spentBy(own(entry), position);
  }

  async transaction(txid: Buffer): Promise<api.FoundTransaction | undefined> {
    const bytes = await this.#store.database.get(transactionKey(txid));
    const place = bytes && decodePlace(bytes);
    const entry = place && this.#tree.at(place.height);
    const tx = entry && (await this.#store.transactionAt(entry, place.offset));
    // A reorganisation may have come in between.
    return tx && txidOf(tx).equals(txid) ? { tx, entry, position: place.position } : undefined;
  }

  scriptSummary(script: Buffer): api.ScriptSummary {
    return this.#scripts.summary(script);
  }

  scriptHistory(script: Buffer, options?: api.PageOptions): Promise<api.Page<api.HistoryItem>> {
    return this.#scripts.history(script, options);
  }

  scriptCoins(script: Buffer, options?: api.PageOptions): Promise<api.Page<api.CoinItem>> {
    return this.#scripts.coins(script, options);
  }

  async coinStats(hash: api.CoinSetHash = "none"): Promise<api.CoinStats> {
    // The scan sees the set as it is when it begins: only that must not fall between two tips.
    const range = { gte: TABLES.coins, lt: endOf(TABLES.coins) };
    const { entry, coins } = await this.#serial.run(async () => ({
      entry: this.#tree.tip,
      coins: this.#store.database.scan(range),
    }));
    return countCoins(entry, coins, hash);
  }

  subscribe(listener: api.ChainListener): () => void {
    return this.#events.add(listener);
  }

  onSettled(listener: api.SettledListener): () => void {
    return this.#settled.add(listener);
  }

  onStateChange(listener: (state: api.ChainState) => void): () => void {
    return this.#states.add(listener);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#disk.close();
    await this.#serial.idle();
    await this.#store.database.close();
  }

  async #change<T>(work: () => Promise<T>): Promise<T> {
    return this.#serial.run(async () => {
      const { state } = this.#disk;
      if (state.kind === "closed") throw closed();
      if (state.kind === "failed") throw new BlockchainError("failed", state.message);
      try {
        return await work();
      } catch (error) {
        throw error instanceof BlockchainError && REQUEST_ERRORS.has(error.code) ? error : this.#disk.failed(error);
      }
    });
  }

  #known(hash: Buffer): Entry {
    const entry = this.#tree.get(hashKey(hash));
    if (!entry) throw new BlockchainError("not-found", `No block ${hashText(hash)} is known here.`);
    return entry;
  }

  #stateChanged(state: api.ChainState): void {
    const { logger } = this.#options;
    if (state.kind === "disk-full") logger.error("no room for blocks", { problem: state.message });
    if (state.kind === "failed") logger.error("the chain database failed", { problem: state.message });
    if (state.kind === "running") logger.info("there is room for blocks again");
    this.#states.tell(state);
  }
}

/** What is wrong with the request, not with the database. */
const REQUEST_ERRORS: ReadonlySet<string> = new Set(["bad-request", "not-found"]);

/** Entries come from this tree only: there is no other class of them. */
const own = (entry: api.ChainEntry): Entry => entry as Entry;
