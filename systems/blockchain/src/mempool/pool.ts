/**
 * The pool: what was admitted, in order, and what makes entries leave. It follows the chain event by event, so that no entry ever spends
 * what is not there; that coinbases are ripe and locks open is true where the tip rests, not at each block of a reorganisation.
 */
import { Listeners } from "../chain/listeners.ts";
import type { ChainEvent, Coin } from "../chain/types.ts";
import { isFinal } from "../consensus/locks.ts";
import { locksSatisfied } from "../consensus/spend-checks.ts";
import { inlineBytes } from "../consensus/verifier.ts";
import { hashKey } from "../primitives/hash.ts";
import { isCoinbase, type OutPoint, type Transaction, totalSize, txid as txidOf } from "../primitives/transaction.ts";
import { Admission, refused } from "./admission.ts";
import { FeeEstimator, MAX_TARGET } from "./fees/estimator.ts";
import { RollingMinimum } from "./fees/rolling-minimum.ts";
import { PoolEntry } from "./graph/entry.ts";
import { PoolGraph, totalOf } from "./graph/graph.ts";
import type { ResolvedMempoolOptions } from "./options.ts";
import { Orphans } from "./orphans.ts";
import type * as api from "./types.ts";

/** How many orphans one new transaction may bring in, and those in turn. */
const MAX_ADOPTED = 100;

const isLarge = (tx: Transaction): boolean => totalSize(tx) > inlineBytes;

export class Pool {
  readonly graph = new PoolGraph();
  readonly estimator = new FeeEstimator();
  readonly #options: ResolvedMempoolOptions;
  readonly #admission: Admission;
  readonly #orphans: Orphans;
  readonly #rolling: RollingMinimum;
  readonly #listeners: Listeners<readonly [api.MempoolEvent]>;
  /** Fees added by hand, by key of the transaction: it may not be here yet. */
  readonly deltas = new Map<string, number>();
  sequence = 0;

  constructor(options: ResolvedMempoolOptions) {
    const { chain, policy, scripts } = options;
    this.#options = options;
    this.#orphans = new Orphans(policy.maxOrphans);
    this.#rolling = new RollingMinimum(policy.incrementalFeeRate);
    this.#listeners = new Listeners(options.logger);
    this.#admission = new Admission({
      chain,
      graph: this.graph,
      policy,
      scripts,
      now: () => this.now,
      rollingMinimum: () => this.#rollingMinimum,
      feeDelta: (id) => this.deltas.get(hashKey(id)) ?? 0,
    });
  }

  get now(): number {
    return Math.floor(this.#options.clock.wallMs() / 1000);
  }

  get size(): number {
    return this.graph.entries.size;
  }

  get #rollingMinimum(): number {
    return this.#rolling.rate(this.graph.usageBytes / this.#options.policy.maxSizeBytes, this.now);
  }

  info(): api.MempoolInfo {
    const { maxSizeBytes, minRelayFeeRate, incrementalFeeRate, replacement } = this.#options.policy;
    const { vbytes, usageBytes, totalFee } = this.graph;
    const minFeeRate = Math.max(minRelayFeeRate, this.#rollingMinimum);
    const sizes = { vbytes, usageBytes, totalFee, maxSizeBytes };
    const rates = { minFeeRate, minRelayFeeRate, incrementalFeeRate };
    return { count: this.size, ...sizes, ...rates, replacement, orphanCount: this.#orphans.size };
  }

  hasOrphan(wtxid: Buffer): boolean {
    return this.#orphans.has(wtxid);
  }

  coin(outpoint: OutPoint): Coin | undefined {
    return this.graph.spender(outpoint) ? undefined : this.#admission.coinOf(outpoint);
  }

  test(tx: Transaction, options?: api.AcceptOptions): api.AcceptResult {
    const result = this.#admission.judge(tx, options);
    return result.ok ? { ...result, replaced: [...result.replaced] } : result;
  }

  accept(tx: Transaction, options: api.AcceptOptions = {}): api.AcceptResult {
    const result = this.#acceptOne(tx, options);
    if (result.ok) this.adopt([tx]);
    else if (result.kind === "orphan" && options.keepOrphan !== false) this.#orphans.add(tx, this.now);
    return result;
  }

  /** `accept`, but a large transaction's scripts are checked by other threads first: so many signatures would hold this one for long. */
  async submit(tx: Transaction, options: api.AcceptOptions = {}): Promise<api.AcceptResult> {
    const fault = isLarge(tx) ? await this.#admission.judgeScriptsAhead(tx, options) : undefined;
    return fault ?? this.accept(tx, options);
  }

  /** Takes in orphans whose parents are here now, and their children in turn; large ones later. */
  adopt(parents: readonly Transaction[]): void {
    const queue = [...parents];
    for (let i = 0; i < queue.length && i < MAX_ADOPTED; i++) {
      for (const orphan of this.#orphans.takeChildren(txidOf(queue[i]!))) {
        if (isLarge(orphan)) {
          this.#submitLater(orphan);
          continue;
        }
        const result = this.#acceptOne(orphan, {});
        if (result.ok) queue.push(orphan);
        else if (result.kind === "orphan") this.#orphans.add(orphan, this.now);
      }
    }
  }

  #submitLater(orphan: Transaction): void {
    const { logger } = this.#options;
    this.submit(orphan).catch((error: unknown) =>
      logger.warn("a transaction was not checked, so not taken", { error }),
    );
  }

  prioritise(txid: Buffer, feeDelta: number): void {
    const key = hashKey(txid);
    const delta = (this.deltas.get(key) ?? 0) + feeDelta;
    if (delta === 0) this.deltas.delete(key);
    else this.deltas.set(key, delta);
    const entry = this.graph.get(txid);
    if (entry) this.graph.prioritise(entry, feeDelta);
    this.sequence++;
  }

  /** With all that depends on them, dependants first. */
  remove(roots: Iterable<PoolEntry>, reason: api.RemovalReason): void {
    const all = [...this.graph.withDescendants(roots)].sort((a, b) => b.ancestors.count - a.ancestors.count);
    for (const entry of all) this.#removeOne(entry, reason);
  }

  estimateFee(blocks: number, mode: "economical" | "conservative"): api.FeeEstimate {
    // As in Bitcoin Core: what came too late for the next block tells nothing about its price.
    const target = Math.max(2, Math.min(Math.floor(blocks), MAX_TARGET));
    const share = mode === "conservative" ? 0.95 : 0.85;
    for (let longer = target; longer <= MAX_TARGET; longer++) {
      const rate = this.estimator.estimate(longer, share);
      if (rate !== undefined) return { feeRate: Math.max(rate, this.info().minFeeRate), blocks: longer, errors: [] };
    }
    return { feeRate: undefined, blocks: target, errors: ["Insufficient data or no feerate found"] };
  }

  onEvent({ kind, block, height }: ChainEvent): void {
    if (kind === "connected") this.#connected(block.transactions, height);
    else this.#disconnected(block.transactions);
  }

  /** The tip rests: what can't be in the next block after a reorganisation goes, and what waits too long. */
  onSettled({ reorganised }: { readonly reorganised: boolean }): void {
    if (reorganised) this.#removeStale();
    const oldest = this.now - this.#options.policy.expirySeconds;
    const expired = [...this.graph.entries.values()].filter(({ time }) => time <= oldest);
    this.remove(expired, "expired");
    this.#orphans.expire(this.now);
  }

  subscribe(listener: (event: api.MempoolEvent) => void): () => void {
    return this.#listeners.add(listener);
  }

  /** Takes in what was in the pool before a restart, at the time when it came. */
  restore(tx: Transaction, time: number): boolean {
    if (time + this.#options.policy.expirySeconds <= this.now) return false;
    const result = this.#admission.judge(tx);
    if (!result.ok || result.replaced.size > 0) return false;
    const { entry } = result;
    const older = new PoolEntry({ ...entry, time });
    older.feeDelta = entry.feeDelta;
    Object.assign(older.ancestors, { fees: entry.modifiedFee });
    Object.assign(older.descendants, { fees: entry.modifiedFee });
    this.#insert(older);
    this.#trim();
    return true;
  }

  #acceptOne(tx: Transaction, options: api.AcceptOptions): api.AcceptResult {
    const result = this.#admission.judge(tx, options);
    if (!result.ok) return result;
    const { entry, replaced } = result;
    this.remove(replaced, "replaced");
    this.#insert(entry);
    this.#trim();
    if (!this.graph.get(entry.txid)) return refused("mempool full");
    return { ok: true, entry, replaced: [...replaced] };
  }

  #insert(entry: PoolEntry): void {
    this.graph.add(entry);
    this.sequence++;
    const rate = (entry.fee * 1000) / entry.vsize;
    if (entry.parents.size === 0) this.estimator.added(entry.key, rate, this.#options.chain.tip.height);
    this.#listeners.tell({ kind: "added", entry });
  }

  #removeOne(entry: PoolEntry, reason: api.RemovalReason): void {
    this.graph.remove(entry);
    this.sequence++;
    if (reason !== "block") this.estimator.removed(entry.key);
    this.#listeners.tell({ kind: "removed", entry, reason });
  }

  /** Makes the pool small enough. What goes sets the price for what may come. */
  #trim(): void {
    const { maxSizeBytes } = this.#options.policy;
    for (let worst = this.graph.worst; worst && this.graph.usageBytes > maxSizeBytes; worst = this.graph.worst) {
      const leaving = totalOf(this.graph.withDescendants([worst]));
      this.#rolling.evicted((leaving.fees * 1000) / leaving.vsize, this.now);
      this.remove([worst], "evicted");
    }
  }

  #connected(transactions: readonly Transaction[], height: number): void {
    const keys = transactions.map((tx) => hashKey(txidOf(tx)));
    this.estimator.block(height, keys);
    for (const [i, tx] of transactions.entries()) {
      const entry = this.graph.entries.get(keys[i]!);
      if (entry) this.#removeOne(entry, "block");
      else this.#removeConflicts(tx);
      this.deltas.delete(keys[i]!);
    }
    this.#rolling.blockConnected(this.now);
    this.#orphans.forgetConflicts(transactions);
    this.adopt(transactions);
  }

  #removeConflicts(tx: Transaction): void {
    if (isCoinbase(tx)) return;
    const conflicts = tx.inputs.flatMap(({ prevout }) => this.graph.spender(prevout) ?? []);
    if (conflicts.length > 0) this.remove(conflicts, "conflict");
  }

  /** What the block confirmed waits again. Its coinbase is gone, and so is what spends it. */
  #disconnected(transactions: readonly Transaction[]): void {
    for (const tx of transactions) if (!this.#comeBack(tx)) this.#removeSpenders(tx);
    this.#trim();
  }

  /** Not before the tip rests: most of what spends a coinbase is too early at the fork, and in time at the end of the new branch. */
  #removeStale(): void {
    const { chain } = this.#options;
    const medianTime = chain.medianTimePast(chain.tip);
    const stale = [...this.graph.entries.values()].filter(
      (entry) => entry.isDelicate && !this.#holds(entry, medianTime),
    );
    this.remove(stale, "reorganisation");
  }

  /** Its scripts held in the block and hold still; policy is not asked again. */
  #comeBack(tx: Transaction): boolean {
    const { policy } = this.#options;
    if (isCoinbase(tx) || this.graph.get(txidOf(tx))) return false;
    const coins = tx.inputs.map(({ prevout }) => this.coin(prevout));
    if (!coins.every((coin) => coin !== undefined)) return false;
    if (!this.graph.ancestorsOf(tx.inputs, policy.maxAncestors - 1)) return false;
    const entry = this.#admission.entryOf(tx, coins as Coin[], { isReturning: true });
    if ("ok" in entry) return false;
    this.#insert(entry);
    return true;
  }

  #removeSpenders(tx: Transaction): void {
    const hash = txidOf(tx);
    const spenders = [...tx.outputs.keys()].flatMap((index) => this.graph.spender({ hash, index }) ?? []);
    if (spenders.length > 0) this.remove(spenders, "reorganisation");
  }

  #holds({ tx, coins }: PoolEntry, medianTime: number): boolean {
    const { tip, network } = this.#options.chain;
    const height = tip.height + 1;
    if (!isFinal(tx, height, medianTime)) return false;
    // Heights of coins in the pool move with the tip.
    const now = tx.inputs.map(({ prevout }, i) => this.#admission.coinOf(prevout) ?? coins[i]!);
    if (!locksSatisfied(tx, now, tip)) return false;
    return now.every((coin) => !coin.isCoinbase || height - coin.height >= network.coinbaseMaturity);
  }
}
