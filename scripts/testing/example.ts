/** Compiles a program of docs/examples, so that a cluster can run it as an image. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { root } from "./sources.ts";

const run = promisify(execFile);
const FLAGS =
  "--ignoreConfig --skipLibCheck --strict --target es2023 --module nodenext --rewriteRelativeImportExtensions --rootDir";

/** Resolves with the path of `main.js`. It lies where it finds the packages that it imports. */
export async function compileExample(name: string): Promise<string> {
  const from = join(root, "docs/examples", name);
  const to = join(root, "node_modules/.cache/coracle-examples", name);
  await run(process.execPath, [
    join(root, "node_modules/typescript/bin/tsc"),
    ...FLAGS.split(" "),
    from,
    "--types",
    "node",
    "--outDir",
    to,
    join(from, "main.ts"),
  ]);
  return join(to, "main.js");
}
