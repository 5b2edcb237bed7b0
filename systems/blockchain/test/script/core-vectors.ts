/** Reads Bitcoin Core's published vectors (its src/test/data) from the folder that BITCOIN_VECTORS names. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const folder = process.env.BITCOIN_VECTORS;

/** The path of a file or folder of vectors; undefined, with a loud warning, when it isn't there. */
export function vectorPath(name: string): string | undefined {
  const path = folder === undefined ? undefined : join(folder, name);
  if (path !== undefined && existsSync(path)) return path;
  console.warn(
    `SKIPPED: ${name}. Set BITCOIN_VECTORS to a folder with Bitcoin Core's src/test/data to run its published vectors.`,
  );
  return undefined;
}

/** The rows of a file of vectors, without those that are comments: single texts. */
export const rowsOf = (path: string): unknown[][] =>
  (JSON.parse(readFileSync(path, "utf8")) as unknown[][]).filter((row) => row.length > 1);
