/** Headers and blocks from outside: what is taken into the tree, and what is refused and why. */
import { type Block, type BlockHeader, blockHash, blockTotalSize } from "../primitives/block.ts";
import { hashKey, hashText } from "../primitives/hash.ts";
import type { Activation } from "./activation.ts";
import type { DiskWatch } from "./disk-watch.ts";
import type { Lookahead } from "./lookahead.ts";
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
  readonly ahead: Lookahead;
  readonly maxSideHeaders: number;
  readonly maxHeadersAhead: number;
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
    for (const [i, header] of headers.entries()) {
      const isNext = i === 0 || header.previous.equals(last.hash);
      const entry = isNext ? this.#judge(header, added) : refuse("invalid", "non-continuous-headers");
      if (!(entry instanceof Entry)) {
        wrong = entry;
        break;
      }
      last = entry;
    }
    const line = [...added.values()];
    wrong = (await this.#add(line)) ?? wrong;
    return wrong ?? { ok: true, last, added: line.length };
  }

  async block(block: Block, requested: boolean): Promise<BlockResult> {
    const { tree, ahead, store, disk, activation } = this.#parts;
    const added = new Map<string, readonly [Entry, BlockHeader]>();
    const entry = this.#judge(block.header, added);
    if (!(entry instanceof Entry)) return entry;
    if (entry.hasBlock) return { ok: true, entry, isNew: false };
    if (!requested && (entry.work < tree.tip.work || entry.height > tree.tip.height + MAX_AHEAD)) {
      return refuse("refused", "unrequested", "not asked for and of no use now");
    }
    if (!(await disk.hasRoom(4 * blockTotalSize(block)))) return noRoom();
    const parent = entry.parent as Entry;
    const verdict = ahead.checkBlock(block, parent);
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
    // From now on it is the one on disk that is connected.
    ahead.forget(block);
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

  /** To disk, then to memory: had the disk failed in between, both would be as before. The first's parent is in the tree. */
  async #add(line: readonly (readonly [Entry, BlockHeader])[]): Promise<Rejection | undefined> {
    const { tree, store } = this.#parts;
    const [first, last] = [line[0]?.[0], line.at(-1)?.[0]];
    if (!first || !last) return undefined;
    const full = await this.#makePlace(first.parent as Entry, last, line.length);
    if (full) return full;
    await store.database.write(
      line.map(([entry, header]) => headerRow(entry, header)),
      { durable: false },
    );
    for (const [entry] of line) tree.add(entry);
    return undefined;
  }

  /** Bounds what a flood of cheap headers costs: see `HeaderTree`. */
  async #makePlace(parent: Entry, last: Entry, count: number): Promise<Rejection | undefined> {
    const { tree, store, maxSideHeaders, maxHeadersAhead } = this.#parts;
    if (last.work > tree.best.work) {
      const isNear = last.height - tree.fork(parent).height <= maxHeadersAhead;
      return isNear
        ? undefined
        : refuse("refused", "too-far-ahead", "more headers ahead of their blocks than this node keeps");
    }
    for (const which of ["weak", "all"] as const) {
      if (tree.sideCount + count <= maxSideHeaders) return undefined;
      await store.database.write(tree.forget(which, parent).map(forgetHeader), { durable: false });
    }
    if (tree.sideCount + count <= maxSideHeaders) return undefined;
    return refuse("refused", "too-many-side-headers", "more branches with little work than this node keeps");
  }
}
