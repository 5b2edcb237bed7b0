import { fileURLToPath } from "node:url";

/**
 * The compiled file of a module beside the caller, for what Node.js must load by path: worker threads and preloads.
 * `from` is the caller's `import.meta.url`, `module` a relative path ending in `.ts`. Works from `src` (tests) and `dist` alike.
 */
export function compiledFile(from: string, module: string): URL {
  const file = new URL(module.replace(/\.ts$/, ".js"), from).href;
  return new URL(from.endsWith(".ts") ? file.replace("/src/", "/dist/") : file);
}

export const compiledPath = (from: string, module: string): string => fileURLToPath(compiledFile(from, module));
