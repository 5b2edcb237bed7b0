import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { hashFromKey, hashKey } from "../primitives/hash.ts";
import type { OutPoint, Transaction } from "../primitives/transaction.ts";
import { readPool, type Waiting, writePool } from "./file.ts";
import type { PoolEntry } from "./graph/entry.ts";
import { type MempoolOptions, type ResolvedMempoolOptions, resolve } from "./options.ts";
import { Pool } from "./pool.ts";
import type * as api from "./types.ts";

const FILE = "mempool.dat";
/** How many stored transactions are taken in before others get a turn. */
const RESTORED_AT_ONCE = 50;

/** A pool that follows the chain, with what waited when it was last saved. */
export async function openMempool(options: MempoolOptions): Promise<NodeMempool> {
  const mempool = new NodeMempool(resolve(options));
  await mempool.load();
  return mempool;
}

export class NodeMempool implements api.Mempool {
  readonly #options: ResolvedMempoolOptions;
  readonly #pool: Pool;
  readonly #unsubscribe: readonly (() => void)[];
  #closing: Promise<void> | undefined;

  constructor(options: ResolvedMempoolOptions) {
    const { chain } = options;
    this.#options = options;
    this.#pool = new Pool(options);
    this.#unsubscribe = [
      chain.subscribe((event) => this.#pool.onEvent(event)),
      chain.onSettled((_, change) => this.#pool.onSettled(change)),
    ];
  }

  get size(): number {
    return this.#pool.size;
  }

  get sequence(): number {
    return this.#pool.sequence;
  }

  info(): api.MempoolInfo {
    return this.#pool.info();
  }

  get(txid: Buffer): api.MempoolEntry | undefined {
    return this.#pool.graph.get(txid);
  }

  getByWtxid(wtxid: Buffer): api.MempoolEntry | undefined {
    return this.#pool.graph.getByWtxid(wtxid);
  }

  has(txid: Buffer): boolean {
    return this.#pool.graph.entries.has(hashKey(txid));
  }

  hasOrphan(wtxid: Buffer): boolean {
    return this.#pool.hasOrphan(wtxid);
  }

  entries(): IterableIterator<api.MempoolEntry> {
    return this.#pool.graph.entries.values();
  }

  byAncestorRate(): IterableIterator<api.MempoolEntry> {
    return this.#pool.graph.byAncestorRate();
  }

  spender(outpoint: OutPoint): api.MempoolEntry | undefined {
    return this.#pool.graph.spender(outpoint);
  }

  coin(outpoint: OutPoint) {
    return this.#pool.coin(outpoint);
  }

  accept(tx: Transaction, options?: api.AcceptOptions): api.AcceptResult {
    return this.#pool.accept(tx, options);
  }

  submit(tx: Transaction, options?: api.AcceptOptions): Promise<api.AcceptResult> {
    return this.#pool.submit(tx, options);
  }

  test(tx: Transaction, options?: api.AcceptOptions): api.AcceptResult {
    return this.#pool.test(tx, options);
  }

  remove(txid: Buffer): boolean {
    const entry = this.#pool.graph.get(txid);
    if (entry) this.#pool.remove([entry], "requested");
    return entry !== undefined;
  }

  prioritise(txid: Buffer, feeDelta: number): void {
    this.#pool.prioritise(txid, feeDelta);
  }

  ancestorsOf(entry: api.MempoolEntry): ReadonlySet<api.MempoolEntry> {
    return others(this.#pool.graph.withAncestors(entry as PoolEntry), entry);
  }

  descendantsOf(entry: api.MempoolEntry): ReadonlySet<api.MempoolEntry> {
    return others(this.#pool.graph.withDescendants([entry as PoolEntry]), entry);
  }

  estimateFee(blocks: number, mode: "economical" | "conservative" = "economical"): api.FeeEstimate {
    return this.#pool.estimateFee(blocks, mode);
  }

  subscribe(listener: (event: api.MempoolEvent) => void): () => void {
    return this.#pool.subscribe(listener);
  }

  async load(): Promise<void> {
    const { dir, logger } = this.#options;
    if (dir === undefined) return;
    await mkdir(dir, { recursive: true });
    const file = await readPool(join(dir, FILE));
    if (!file) return;
    this.#pool.estimator.load(file.estimates);
    for (const [txid, delta] of file.deltas) this.#pool.prioritise(txid, delta);
    const restored = await this.#restore(file.waiting);
    logger.info("transactions that waited wait again", { restored, dropped: file.waiting.length - restored });
  }

  async save(): Promise<void> {
    const { dir } = this.#options;
    if (dir === undefined) return;
    const { graph, deltas, estimator } = this.#pool;
    await writePool(join(dir, FILE), {
      // Parents first: after a reorganisation they may have come later.
      waiting: [...graph.entries.values()]
        .sort((a, b) => a.ancestors.count - b.ancestors.count)
        .map(({ tx, time }) => ({ tx, time })),
      deltas: [...deltas].map(([key, delta]) => [hashFromKey(key), delta] as const),
      estimates: estimator.save(),
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    await this.save().catch((error: unknown) => this.#options.logger.warn("the pool was not saved", { error }));
  }

  async #restore(waiting: readonly Waiting[]): Promise<number> {
    let restored = 0;
    for (const [i, { tx, time }] of waiting.entries()) {
      if (this.#pool.restore(tx, time)) restored++;
      if (i % RESTORED_AT_ONCE === RESTORED_AT_ONCE - 1) await new Promise((resolve) => setImmediate(resolve));
    }
    return restored;
  }
}

function others(entries: Set<PoolEntry>, entry: api.MempoolEntry): ReadonlySet<api.MempoolEntry> {
  entries.delete(entry as PoolEntry);
  return entries;
}
