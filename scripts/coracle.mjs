// Entry of ./coracle: gets the clone ready, then hands over to the command itself.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { prepare } from "./prepare.mjs";

/** `up` of a system that has web pages: they are built on its first start, and nobody else waits for them. */
const hasPages = (name) =>
  /^[a-z0-9-]+$/.test(name) &&
  existsSync(fileURLToPath(new URL(`../systems/${name}/pages/index.html`, import.meta.url)));

const words = process.argv.slice(2);
prepare({ pages: words.includes("up") && words.some(hasPages) });
await import(new URL("../packages/cli/dist/main.js", import.meta.url).href);
