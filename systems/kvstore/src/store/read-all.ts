/** A process that reads every row of a data file, and so ends badly where the file is damaged: read-all.js <folder>. */
import { messageOf } from "../errors.ts";
import { openTree } from "./tree.ts";

const [dir = ""] = process.argv.slice(2);
try {
  const tree = openTree(dir);
  for (const _ of tree.rows({}));
  for (const table of [tree.expiries, tree.facts]) for (const _ of table.getRange());
  await tree.close();
} catch (error) {
  process.stderr.write(messageOf(error));
  process.exitCode = 1;
}
