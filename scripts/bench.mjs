// Runs a benchmark by name: npm run bench -- api. Compiles bench/ beside its sources first, since Node 20 reads no TypeScript.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { prepare } from "./prepare.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const [name = "", ...options] = process.argv.slice(2);
if (!existsSync(join(root, "bench", `${name}.ts`))) {
  process.stderr.write(
    `There is no bench/${name}.ts. Usage: npm run bench -- <name> [options]; see bench/README.md.\n`,
  );
  process.exit(1);
}
prepare();
// Types are checked by `npm run check`; here they are only taken off.
execFileSync(
  process.execPath,
  [join(root, "node_modules/typescript/bin/tsc"), "-p", join(root, "bench"), "--noCheck"],
  {
    stdio: "inherit",
  },
);
const { status } = spawnSync(process.execPath, [join(root, "bench", `${name}.js`), ...options], { stdio: "inherit" });
process.exit(status ?? 1);
