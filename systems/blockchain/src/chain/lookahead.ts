/**
 * The block after the one that is being connected. Blocks go in one after the other, but most of a block's time is spent by threads that check
 * scripts, and then by the disk: meanwhile this looks up what the next block spends, on top of what the one before changes, and hands its
 * scripts to the threads, so that they find work while the first is being written. When the next block's turn comes, the answers are
 * there. They are true of the block on that parent whatever happens in between, since nothing but the parent's branch decides them: if the
 * parent turns out invalid, nobody asks for them.
 */

import type { Rejection } from "../consensus/rejection.ts";
import type { Block } from "../primitives/block.ts";
import { hashKey } from "../primitives/hash.ts";
import type { CoinChanges } from "./coins/changes.ts";
import { type Examined, type Examiner, examine } from "./examination.ts";
import type { Verdict } from "./rules.ts";
import type { Entry } from "./tree/entry.ts";

export interface LookaheadParts extends Examiner {
  readonly nowSeconds: () => number;
}

interface Current {
  readonly entry: Entry;
  readonly changes: CoinChanges;
}

/** What was found out about a block before its turn. */
interface Found {
  readonly block: Block;
  readonly parent: Entry;
  /** Of the block without its coins; only if nothing is wrong is there the rest. */
  readonly verdict: Verdict;
  readonly examined: Promise<Examined | Rejection> | undefined;
}

const ignore = (): void => undefined;

export class Lookahead {
  readonly #parts: LookaheadParts;
  /** Blocks whose turn will come, by their parents: as many as the chain lets wait. */
  readonly #waiting = new Map<string, Block>();
  #current: Current | undefined;
  #found: Found | undefined;

  constructor(parts: LookaheadParts) {
    this.#parts = parts;
  }

  /** A block waits for its turn, until `forget`. */
  expect(block: Block): void {
    const parent = hashKey(block.header.previous);
    if (this.#waiting.has(parent)) return;
    this.#waiting.set(parent, block);
    if (this.#current?.entry.key === parent) this.#look(this.#current, block);
  }

  forget(block: Block): void {
    const parent = hashKey(block.header.previous);
    if (this.#waiting.get(parent) === block) this.#waiting.delete(parent);
  }

  /** `entry` is being connected, with these changes to the coins: from now on its child is looked at, also one that comes later. */
  begin(entry: Entry, changes: CoinChanges): void {
    this.#current = { entry, changes };
    this.#found = undefined;
    const block = this.#waiting.get(entry.key);
    if (block) this.#look(this.#current, block);
  }

  /** Resolves when no coins are being read for it any more: they must not change under the reading. */
  async end(): Promise<void> {
    this.#current = undefined;
    await this.#found?.examined?.catch(ignore);
  }

  /** `Rules.checkBlock`, which may have been asked already. */
  checkBlock(block: Block, parent: Entry): Verdict {
    const found = this.#foundOf(block, parent);
    return found ? found.verdict : this.#parts.rules.checkBlock(block, parent);
  }

  /** The same with `examine`; `parent` is the tip. */
  examine(block: Block, parent: Entry): Promise<Examined | Rejection> {
    return this.#foundOf(block, parent)?.examined ?? examine(this.#parts, block, parent);
  }

  #foundOf(block: Block, parent: Entry): Found | undefined {
    return this.#found?.block === block && this.#found.parent === parent ? this.#found : undefined;
  }

  #look({ entry: parent, changes }: Current, block: Block): void {
    const { rules, nowSeconds } = this.#parts;
    // Without work in its header it is not worth any of ours.
    if (rules.checkHeader(block.header, parent, nowSeconds())) return;
    const verdict = rules.checkBlock(block, parent);
    const examined = verdict ? undefined : this.#examine(block, parent, changes);
    this.#found = { block, parent, verdict, examined };
  }

  /** Whoever asks gets what goes wrong; if nobody does, it doesn't matter. */
  #examine(block: Block, parent: Entry, changes: CoinChanges): Promise<Examined | Rejection> {
    const examined = examine(this.#parts, block, parent, changes);
    examined.then((result) => ("verdict" in result ? result.verdict.catch(ignore) : undefined)).catch(ignore);
    return examined;
  }
}
