/** Brings the tip to the block with the most work, over as many blocks down and up as it takes. */
import type { Logger } from "@coracle/pod";
import type { Block } from "../primitives/block.ts";
import { hashText } from "../primitives/hash.ts";
import type { DiskWatch } from "./disk-watch.ts";
import { damaged } from "./errors.ts";
import type { Ledger } from "./ledger.ts";
import type { Listeners } from "./listeners.ts";
import type { Lookahead } from "./lookahead.ts";
import type { Verdict } from "./rules.ts";
import { type ChainStore, headerRow } from "./store/chain-store.ts";
import type { Entry } from "./tree/entry.ts";
import type { HeaderTree } from "./tree/tree.ts";
import type { ChainEntry } from "./types.ts";

export interface ActivationParts {
  readonly tree: HeaderTree;
  readonly store: ChainStore;
  readonly ledger: Ledger;
  readonly ahead: Lookahead;
  readonly disk: DiskWatch;
  readonly logger: Logger;
  readonly settled: Listeners<readonly [tip: ChainEntry, change: { readonly reorganised: boolean }]>;
}

/** What a block takes on disk at most, beside the block itself: undo data, coins, indexes. */
const ROOM_FOR_A_BLOCK = 16 * 2 ** 20;

export class Activation {
  readonly #parts: ActivationParts;
  /** What was read from disk before its turn. */
  #read: { readonly entry: Entry; readonly block: Block } | undefined;

  constructor(parts: ActivationParts) {
    this.#parts = parts;
  }

  /**
   * Stops early, without an error, when the disk has no room; throws what the disk throws. Either way the chain is whole at whatever tip it
   * reached. Blocks that turn out invalid are marked, and the way to the next best is taken.
   */
  async run(): Promise<void> {
    await this.#settling(() => this.#goOn());
  }

  /** Connects a block that is not stored yet on the tip, in one batch instead of two, then whatever waited for it. Returns why it is invalid. */
  async extend(entry: Entry, block: Block): Promise<Verdict> {
    let verdict: Verdict;
    await this.#settling(async () => {
      verdict = await this.#parts.ledger.connect(entry, block, false);
      await this.#goOn();
    });
    return verdict;
  }

  async #goOn(): Promise<void> {
    const { tree } = this.#parts;
    try {
      for (let goal = tree.goal(); goal !== tree.tip; goal = tree.goal()) {
        if (!(await this.#stepTowards(goal))) return;
      }
    } finally {
      this.#forgetRead();
    }
  }

  /** Tells once where the tip is after `work`, if it moved. */
  async #settling(work: () => Promise<void>): Promise<void> {
    const { tree, settled } = this.#parts;
    const before = tree.tip;
    try {
      await work();
    } finally {
      if (tree.tip !== before) settled.tell(tree.tip, { reorganised: !tree.isActive(before) });
    }
  }

  /** Marks the block invalid, here and on disk. */
  async fail(entry: Entry): Promise<void> {
    const { tree, store } = this.#parts;
    tree.fail(entry);
    await store.database.write([headerRow(entry, store.header(entry))], { durable: true });
  }

  async #stepTowards(goal: Entry): Promise<boolean> {
    const { tree, ledger, disk } = this.#parts;
    if (!(await disk.hasRoom(ROOM_FOR_A_BLOCK))) return false;
    const fork = tree.fork(goal);
    if (fork !== tree.tip) {
      await ledger.disconnect();
      return true;
    }
    const next = goal.ancestor(fork.height + 1) as Entry;
    const block = await this.#takeBlock(next);
    const reading = this.#readAhead(goal.ancestor(next.height + 1));
    let verdict: Verdict;
    try {
      verdict = await ledger.connect(next, block, true);
    } finally {
      await reading;
    }
    if (verdict) await this.#refuse(next, verdict.reason);
    return true;
  }

  /** The block that was read ahead, if it is the one, else from disk. */
  async #takeBlock(entry: Entry): Promise<Block> {
    const read = this.#forgetRead();
    const block = read?.entry === entry ? read.block : await this.#parts.store.block(entry);
    if (!block) throw damaged(`the block at height ${entry.height} is missing`);
    return block;
  }

  /** So that a stored block is looked at while the one before is being connected, as one that comes from a peer is. */
  async #readAhead(entry: Entry | undefined): Promise<void> {
    const { ahead, store } = this.#parts;
    // What is wrong with it is said when its turn comes.
    const block = entry && (await store.block(entry).catch(() => undefined));
    if (!block) return;
    this.#read = { entry, block };
    ahead.expect(block);
  }

  #forgetRead(): { readonly entry: Entry; readonly block: Block } | undefined {
    const read = this.#read;
    this.#read = undefined;
    if (read) this.#parts.ahead.forget(read.block);
    return read;
  }

  async #refuse(entry: Entry, reason: string): Promise<void> {
    const { logger } = this.#parts;
    logger.warn("a block is invalid", { hash: hashText(entry.hash), height: entry.height, reason });
    await this.fail(entry);
  }
}
