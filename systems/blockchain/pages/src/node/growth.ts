/** From blocks to what the plots show: pure. */
import type { BlockView } from "../../../src/web/views.ts";
import type { Point } from "../parts/plot.tsx";

/** One difficulty is 2^32 hashes on average. */
const hashesPerDifficulty = 2 ** 32;
/** A single interval tells nothing about the rate of a random process. */
const window = 10;

/** Without the first, which is as old as the software. */
const ascending = (blocks: readonly BlockView[]): readonly BlockView[] =>
  blocks.filter(({ height }) => height > 0).sort((a, b) => a.height - b.height);

/** Seconds from each block to the next. Clocks differ a little, so that one may be before its parent. */
export const intervals = (blocks: readonly BlockView[]): Point[] =>
  ascending(blocks).flatMap((block, index, all) => {
    const before = all[index - 1];
    return before ? [{ height: block.height, value: Math.max(0, block.timestamp - before.timestamp) }] : [];
  });

/** Hashes per second that the last blocks together took. */
export const hashRates = (blocks: readonly BlockView[]): Point[] =>
  ascending(blocks).flatMap((block, index, all) => {
    const first = all[index - window];
    if (first === undefined) return [];
    const hashes = all
      .slice(index - window + 1, index + 1)
      .reduce((sum, { difficulty }) => sum + difficulty * hashesPerDifficulty, 0);
    return [{ height: block.height, value: hashes / Math.max(1, block.timestamp - first.timestamp) }];
  });
