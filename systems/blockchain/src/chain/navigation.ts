/** Finding one's way about the tree. */
import { hashKey } from "../primitives/hash.ts";
import type { Entry } from "./tree/entry.ts";
import type { HeaderTree } from "./tree/tree.ts";

const MAX_LOCATOR = 101;
/** Blocks are fetched at most so far above the highest that is connected, which bounds what is stored out of order. */
const DOWNLOAD_WINDOW = 1024;

/** Ten hashes one by one, then in steps that double. */
export function locator(from: Entry): Buffer[] {
  const hashes: Buffer[] = [];
  let step = 1;
  for (let height = from.height; height > 0; height -= step) {
    hashes.push((from.ancestor(height) as Entry).hash);
    if (hashes.length >= 10) step *= 2;
  }
  return [...hashes, (from.ancestor(0) as Entry).hash];
}

/** Of a locator from outside no more is looked at than an honest one has. */
export function findFork(tree: HeaderTree, hashes: readonly Buffer[]): Entry {
  for (const hash of hashes.slice(0, MAX_LOCATOR)) {
    const entry = tree.get(hashKey(hash));
    if (entry && tree.isActive(entry)) return entry;
    if (entry && entry.height > tree.tip.height && entry.ancestor(tree.tip.height) === tree.tip) return tree.tip;
  }
  return tree.genesis;
}

/** The ends of all branches, the active one first, then by work. */
export function tips(tree: HeaderTree): readonly Entry[] {
  const others = [...tree.leaves].filter((leaf) => leaf !== tree.tip);
  others.sort((a, b) => (a.work === b.work ? 0 : a.work > b.work ? -1 : 1));
  return [tree.tip, ...others];
}

export function missing(tree: HeaderTree, limit: number, target: Entry): Entry[] {
  const found: Entry[] = [];
  if (target.isInvalid) return found;
  const start = tree.fork(target).height + 1;
  const end = Math.min(target.height, start + DOWNLOAD_WINDOW - 1);
  const line: Entry[] = [];
  for (let at = target.ancestor(end); at && at.height >= start; at = at.parent) line.push(at);
  for (const entry of line.reverse()) {
    if (found.length >= limit) break;
    if (!entry.hasBlock) found.push(entry);
  }
  return found;
}
