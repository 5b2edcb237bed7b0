/**
 * Replaces the tree's content by a snapshot. A mark stands in the tree from the first change to the last, so that a restore that was
 * cut off leaves an empty store, not half of one.
 */
import type { Position } from "@coracle/lease-log";
import { isRestoring, markRestoring, unmarkRestoring, writePosition, writeTime } from "./facts.ts";
import type { Row } from "./keyspace.ts";
import { decodeSnapshot } from "./snapshot.ts";
import type { Tree } from "./tree.ts";
import type { TreeKeyspace } from "./tree-keyspace.ts";

/**
 * Resolves with the time up to which the snapshot's entries go. Rejects with `bad-snapshot`, and leaves the store empty. Nobody else may write to the
 * tree meanwhile.
 */
export async function restoreTree(
  tree: Tree,
  space: TreeKeyspace,
  at: Position,
  chunks: AsyncIterable<Uint8Array>,
): Promise<number> {
  let timeMs = 0;
  empty(tree, space, markRestoring);
  try {
    for await (const part of decodeSnapshot(chunks)) {
      if ("header" in part) timeMs = part.header.timeMs;
      else tree.transact(() => putAll(space, part.rows));
    }
  } catch (error) {
    empty(tree, space, unmarkRestoring);
    throw error;
  } finally {
    space.renew();
  }
  tree.transact(() => {
    writePosition(tree.facts, at);
    writeTime(tree.facts, timeMs);
    unmarkRestoring(tree.facts);
  });
  await tree.flush();
  return timeMs;
}

/** Empties a store in which a restore was cut off; called once it is open. */
export function finishCutOffRestore(tree: Tree, space: TreeKeyspace): void {
  if (isRestoring(tree.facts)) empty(tree, space, unmarkRestoring);
}

function empty(tree: Tree, space: TreeKeyspace, setMark: (facts: Tree["facts"]) => void): void {
  tree.transact(() => {
    space.clear();
    writePosition(tree.facts, { epoch: 0, index: 0 });
    writeTime(tree.facts, 0);
    setMark(tree.facts);
  });
}

function putAll(space: TreeKeyspace, rows: readonly Row[]): void {
  for (const { key, stored } of rows) space.put(key, stored as Buffer);
}
