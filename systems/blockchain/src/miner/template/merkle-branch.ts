/** The part of a merkle tree that does not depend on its first leaf: another coinbase then costs a dozen hashes, not thousands. */
import { sha256d } from "../../primitives/hash.ts";

const join = (left: Buffer, right: Buffer): Buffer => sha256d(Buffer.concat([left, right]));

/** The hashes to join the first leaf with, from the leaves up. `others` are the leaves behind the first. */
export function merkleBranch(others: readonly Buffer[]): readonly Buffer[] {
  const branch: Buffer[] = [];
  // Without its first member, which is not known, each level begins with the sibling of it.
  for (let level = others; level.length > 0; ) {
    branch.push(level[0] as Buffer);
    const above: Buffer[] = [];
    for (let i = 1; i < level.length; i += 2)
      above.push(join(level[i] as Buffer, level[i + 1] ?? (level[i] as Buffer)));
    level = above;
  }
  return branch;
}

export const rootOver = (first: Buffer, branch: readonly Buffer[]): Buffer => branch.reduce(join, first);
