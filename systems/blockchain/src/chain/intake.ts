/** Headers and blocks from outside: what is taken into the tree, and what is refused and why. */
import { type Block, type BlockHeader, blockHash, blockTotalSize } from "../primitives/block.ts";
import { hashKey, hashText } from "../primitives/hash.ts";
import type { Activation } from "./activation.ts";
import type { DiskWatch } from "./disk-watch.ts";
import { answer, condemnsHash, type Rules, refuse } from "./rules.ts";
import { blockRows, type ChainStore, forgetHeader, headerRow } from "./store/chain-store.ts";
import { Entry } from "./tree/entry.ts";
import type { HeaderTree } from "./tree/tree.ts";
import type { BlockResult, HeadersResult, Rejection } from "./types.ts";

export interface IntakeParts {
  readonly tree: HeaderTree;
  readonly store: ChainStore;
  readonly activation: Activation;
  readonly disk: DiskWatch;
  readonly rules: Rules;
  readonly maxSideHeaders: number;
  readonly nowSeconds: () => number;
}

const MAX_HEADERS = 2000;
const HEADER_ROW_BYTES = 256;
/** How far above the tip a block that nobody asked for may be. */
const MAX_AHEAD = 288;

const noRoom = (): Rejection => refuse("refused", "disk-full", "this node's disk has no room");

export class Intake {
  readonly #parts: IntakeParts;

  constructor(parts: IntakeParts) {
    this.#parts = parts;
  }

  async headers(headers: readonly BlockHeader[]): Promise<HeadersResult> {
    const { tree, disk } = this.#parts;
    if (headers.length > MAX_HEADERS) return refuse("invalid", "too-many-headers");
    if (!(await disk.hasRoom(headers.length * HEADER_ROW_BYTES))) return noRoom();
    const added = new Map<string, readonly [Entry, BlockHeader]>();
    let last: Entry = tree.genesis;
    let wrong: Rejection | undefined;
    for (const header of headers) {
      const entry = this.#judge(header, added);
      if (!(entry instanceof Entry)) {
        wrong = entry;
        break;
      }
      last = entry;
    }
    const lines = [...added.values()];
    wrong = (await this.#add(lines)) ?? wrong;
    return wrong ?? { ok: true, last, added: lines.length };
  }

  async block(block: Block, requested: boolean): Promise<BlockResult> {
    const { tree, rules, store, disk, activation } = this.#parts;
    const added = new Map<string, readonly [Entry, BlockHeader]>();
    const entry = this.#judge(block.header, added);
    if (!(entry instanceof Entry)) return entry;
    if (entry.hasBlock) return { ok: true, entry, isNew: false };
    if (!requested && (entry.work < tree.tip.work || entry.height > tree.tip.height + MAX_AHEAD)) {
      return refuse("refused", "unrequested", "not asked for and of no use now");
    }
    if (!(await disk.hasRoom(4 * blockTotalSize(block)))) return noRoom();
    const parent = entry.parent as Entry;
    const verdict = rules.checkBlock(block, parent);
    const flood = await this.#add([...added.values()]);
    if (verdict) {
      if (!flood && condemnsHash(verdict)) await activation.fail(entry);
      return answer(verdict);
    }
    if (flood) return flood;
    if (parent === tree.tip) {
      const invalid = await activation.extend(entry, block);
      if (!invalid) return { ok: true, entry, isNew: true };
      if (condemnsHash(invalid)) await activation.fail(entry);
      return answer(invalid);
    }
    await store.database.write([...blockRows(entry, block)], { durable: false });
    tree.blockStored(entry, block.transactions.length);
    await activation.run();
    return entry.isInvalid
      ? refuse("invalid", "duplicate-invalid", "the block was found invalid")
      : { ok: true, entry, isNew: true };
  }

  /** The header's entry: known, or made and put into `added`. */
  #judge(header: BlockHeader, added: Map<string, readonly [Entry, BlockHeader]>): Entry | Rejection {
    const { tree, rules, nowSeconds } = this.#parts;
    const key = hashKey(blockHash(header));
    const known = tree.get(key) ?? added.get(key)?.[0];
    if (known) return known.isInvalid ? refuse("invalid", "duplicate-invalid", "known to be invalid") : known;
    const parentKey = hashKey(header.previous);
    const parent = added.get(parentKey)?.[0] ?? tree.get(parentKey);
    if (!parent) return refuse("unknown", "prev-blk-not-found", hashText(header.previous));
    if (parent.isInvalid) return refuse("invalid", "bad-prevblk", "its parent is known to be invalid");
    const verdict = rules.checkHeader(header, parent, nowSeconds());
    if (verdict) return answer(verdict);
    const entry = new Entry(header, parent);
    added.set(key, [entry, header]);
    return entry;
  }

  /** To disk, then to memory: had the disk failed in between, both would be as before. */
  async #add(lines: readonly (readonly [Entry, BlockHeader])[]): Promise<Rejection | undefined> {
    const { tree, store } = this.#parts;
    if (lines.length === 0) return undefined;
    if (!(await this.#hasPlace(lines))) {
      return refuse("refused", "too-many-side-headers", "more branches with little work than this node keeps");
    }
    await store.database.write(
      lines.map(([entry, header]) => headerRow(entry, header)),
      { durable: false },
    );
    for (const [entry] of lines) tree.add(entry);
    return undefined;
  }

  /** Bounds what a flood of cheap headers costs: see `HeaderTree`. */
  async #hasPlace(lines: readonly (readonly [Entry, BlockHeader])[]): Promise<boolean> {
    const { tree, store, maxSideHeaders } = this.#parts;
    const isBest = lines.some(([entry]) => entry.work > tree.best.work);
    if (isBest || tree.sideCount + lines.length <= maxSideHeaders) return true;
    const stale = tree.forgetStale();
    await store.database.write(stale.map(forgetHeader), { durable: false });
    // What these connect to may just have been forgotten.
    return (
      stale.length > 0 &&
      tree.sideCount + lines.length <= maxSideHeaders &&
      lines.every(([entry]) => isRooted(tree, entry, lines))
    );
  }
}

function isRooted(tree: HeaderTree, entry: Entry, lines: readonly (readonly [Entry, BlockHeader])[]): boolean {
  const parent = entry.parent as Entry;
  return tree.get(parent.key) === parent || lines.some(([other]) => other === parent);
}
