/**
 * Keeps a wallet's ledger in step with chain and mempool. History is not stored: when a wallet is loaded it is read back through the
 * chain's script index, which is why a restart, a rescan and a wallet that was there all along agree.
 *
 * Scanning takes time, during which blocks come and go. Events are held back meanwhile and applied after; that is right whatever moment
 * each script's history was read at, because connecting what is known and disconnecting what is not both change nothing, and every block
 * whose state changed after the scan began has an event that is still to come.
 */
import type { Transaction } from "../primitives/transaction.ts";
import { WalletError } from "./errors.ts";
import { branchNumbers, purposes } from "./keys/account.ts";
import type { KeyRing } from "./keys/ring.ts";
import { Ledger, type RowChange } from "./ledger/ledger.ts";
import type { Note } from "./ledger/row.ts";
import type { ChainEvent, Placed, PoolEvent, WalletChain, WalletPool } from "./ports.ts";
import { rivalsOf } from "./rivals.ts";

/** What the wallet file knew of a transaction in no block. */
export interface Remembered {
  readonly transaction: Transaction;
  readonly received: number;
  readonly abandoned: boolean;
}

export interface FollowOptions {
  readonly chain: WalletChain;
  readonly pool: WalletPool;
  readonly ring: KeyRing;
  readonly now: () => number;
  readonly onChange: (change: RowChange) => void;
}

type Held = { readonly of: "chain"; readonly event: ChainEvent } | { readonly of: "pool"; readonly event: PoolEvent };

/** Events held back during one scan; with more it begins again, so that memory stays bounded. */
const MOST_HELD = 2_000;
const MOST_SCANS = 10;

export class Follower {
  readonly #options: FollowOptions;
  #ledger: Ledger;
  #height: number;
  #held: Held[] | undefined;
  readonly #stops: (() => void)[] = [];
  #stopped = false;
  #ready = false;

  constructor(options: FollowOptions) {
    this.#options = options;
    this.#ledger = this.#newLedger();
    this.#height = options.chain.tip().height;
  }

  get ledger(): Ledger {
    return this.#ledger;
  }

  /** Of the last block looked at. */
  get height(): number {
    return this.#height;
  }

  get scanning(): boolean {
    return this.#held !== undefined;
  }

  /** Whether history was read once. */
  get ready(): boolean {
    return this.#ready;
  }

  /** Follows from now on; resolves once history from a height on is read. */
  async start(fromHeight: number, remembered: readonly Remembered[], notes: ReadonlyMap<string, Note>): Promise<void> {
    this.#held = [];
    this.#stops.push(
      this.#options.chain.subscribe((event) => this.#take({ of: "chain", event: slim(event) })),
      this.#options.pool.subscribe((event) => this.#take({ of: "pool", event })),
    );
    await this.#scan(fromHeight, remembered, notes);
  }

  /** Reads history again. Payments below the height are forgotten, unless `fromHeight` is at or below the birthday. */
  async rescan(fromHeight: number): Promise<void> {
    if (this.scanning) throw new WalletError("scanning", "Wallet is currently rescanning. Wait for it to end.");
    this.#held = [];
    await this.#scan(fromHeight, rememberedOf(this.#ledger), notesOf(this.#ledger));
  }

  stop(): void {
    this.#stopped = true;
    for (const stop of this.#stops.splice(0)) stop();
  }

  async #scan(from: number, remembered: readonly Remembered[], notes: ReadonlyMap<string, Note>): Promise<void> {
    try {
      for (let attempt = 1; !(await this.#scanOnce(from, remembered, notes)); attempt++)
        if (attempt === MOST_SCANS)
          throw new WalletError("scanning", "The chain changes faster than it can be looked through; try again later.");
    } finally {
      this.#held = undefined;
    }
  }

  /** False when too much happened meanwhile. */
  async #scanOnce(from: number, remembered: readonly Remembered[], notes: ReadonlyMap<string, Note>): Promise<boolean> {
    this.#held = [];
    const { height } = this.#options.chain.tip();
    const found = await this.#collect(from);
    const { chain, ring } = this.#options;
    const waiting = remembered.map(({ transaction }) => transaction);
    const rivals = await rivalsOf(chain, (script) => ring.ownerOf(script) !== undefined, waiting);
    if (this.#stopped) return true;
    if (this.#held.length > MOST_HELD) return false;
    const ledger = this.#newLedger();
    for (const placed of found) ledger.replay(placed);
    for (const { transaction, ...facts } of remembered) ledger.restore(transaction, facts);
    for (const placed of rivals) ledger.replay(placed);
    for (const transaction of this.#options.pool.transactions()) ledger.poolAdded(transaction);
    for (const row of ledger.rows()) ledger.note(row, notes.get(row.key) ?? {});
    this.#ledger = ledger;
    this.#ready = true;
    this.#height = height;
    const held = this.#held;
    this.#held = undefined;
    for (const event of held) this.#apply(event);
    return true;
  }

  /** What the index knows of our scripts, in the order of the chain. Scripts that a find adds are looked up too. */
  async #collect(from: number): Promise<Placed[]> {
    const { chain, ring } = this.#options;
    const found = new Map<string, Placed>();
    for (const purpose of purposes)
      for (const branch of branchNumbers)
        for (const { script, path } of ring.derived(purpose, branch))
          for await (const placed of chain.historyOf(script, from)) {
            if (this.#stopped) return [];
            ring.markUsed(path);
            found.set(`${placed.height}/${placed.index}/${placed.blockHash.toString("hex")}`, placed);
          }
    return [...found.values()].sort((a, b) => a.height - b.height || a.index - b.index);
  }

  #newLedger(): Ledger {
    const { ring, now } = this.#options;
    return new Ledger({
      now,
      ownerOf: (script) => ring.ownerOf(script),
      onPaid: ({ path }) => {
        ring.markUsed(path);
      },
    });
  }

  #take(held: Held): void {
    if (!this.#held) this.#apply(held);
    else if (this.#held.length <= MOST_HELD) this.#held.push(held);
  }

  #apply(held: Held): void {
    const changes = held.of === "chain" ? this.#applyChain(held.event) : this.#applyPool(held.event);
    for (const change of changes) this.#options.onChange(change);
  }

  #applyChain({ kind, block, height, hash }: ChainEvent): RowChange[] {
    this.#height = kind === "connected" ? height : height - 1;
    return kind === "connected" ? this.#ledger.connect(block, height, hash) : this.#ledger.disconnect(block, hash);
  }

  #applyPool(event: PoolEvent): RowChange[] {
    // The block's own event follows or came before, and says it better.
    if (event.kind === "removed" && event.reason === "block") return [];
    const { kind, transaction } = event;
    const change = kind === "added" ? this.#ledger.poolAdded(transaction) : this.#ledger.poolRemoved(transaction);
    return change ? [change] : [];
  }
}

/** The chain's own event holds more, which need not stay in memory. */
const slim = ({ kind, block, height, hash }: ChainEvent): ChainEvent => ({ kind, block, height, hash });

/** Transactions that we paid for and that are in no block. */
export const rememberedOf = (ledger: Ledger): Remembered[] =>
  [...ledger.rows()].flatMap((row) =>
    row.transaction && ledger.debitOf(row).value > 0
      ? [{ transaction: row.transaction, received: row.received, abandoned: row.abandoned }]
      : [],
  );

export const notesOf = (ledger: Ledger): Map<string, Note> =>
  new Map([...ledger.rows()].filter(({ note }) => Object.keys(note).length > 0).map((row) => [row.key, row.note]));
