/** The project's own source files, for the rules that hold over all of them. */
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");

export interface SourceFile {
  /** Relative to the checkout: `packages/wal/src/wal.ts`. */
  readonly path: string;
  /** `packages/wal`. */
  readonly home: string;
  readonly text: string;
}

const homes = ["packages", "systems"].flatMap((kind) => readdirSync(join(root, kind)).map((name) => join(kind, name)));

/** All TypeScript files below `src` of every package and system. */
export const sources: readonly SourceFile[] = homes.flatMap((home) =>
  readdirSync(join(root, home, "src"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(ts|tsx|cts|mts)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({ path: relative(root, path), home, text: readFileSync(path, "utf8") })),
);

/** What a file imports, types included, as written. */
export const importsOf = ({ text }: SourceFile): string[] =>
  [...text.matchAll(/(?:^|[;\s])(?:import|export)\s[^;"']*?from\s*["']([^"']+)["']|import\(\s*["']([^"']+)["']/g)].map(
    ([, named, dynamic]) => (named ?? dynamic) as string,
  );
