/**
 * LMDB follows what its pages say without checking: damage inside the file can end the process by a signal, with no word about the cause, at each start anew. So starts
 * that end early are counted, and after the second one the whole file is read in a process of its own before this one touches it.
 */
import { spawn } from "node:child_process";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { corrupt } from "./datafile.ts";

const FILE = "early-ends";
/** Who has run for this long did not end early. */
const STEADY_MS = 30_000;
/** Starts in a row that ended early before the file is suspected. */
const SUSPICIOUS = 2;
const READER = fileURLToPath(new URL("./read-all.js", import.meta.url)).replace("/src/store/", "/dist/store/");

/** Called before the file is opened. Rejects with `damaged` when reading it ends a process. The result is to be called when it was closed in order. */
export async function watchStart(dir: string): Promise<() => Promise<void>> {
  const path = join(dir, FILE);
  const before = Number(await readFile(path, "utf8").catch(() => 0)) || 0;
  if (before >= SUSPICIOUS) await readThrough(dir);
  // On a full disk it goes uncounted.
  await writeFile(path, String(before + 1)).catch(() => {});
  const forget = (): Promise<void> => rm(path, { force: true });
  const timer = setTimeout(() => void forget().catch(() => {}), STEADY_MS);
  timer.unref();
  return async () => {
    clearTimeout(timer);
    await forget();
  };
}

async function readThrough(dir: string): Promise<void> {
  const child = spawn(process.execPath, [READER, dir], { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => {
    if (said.length < 4096) said += chunk;
  });
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (...ended) => resolve(ended));
  });
  if (code === 0) return;
  throw corrupt(dir, signal ? `reading it ends a process by ${signal}` : said.trim() || `reading it fails (${code})`);
}
