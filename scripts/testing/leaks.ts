/**
 * Tests leave nothing behind. Each run gets a temporary folder of its own, which `os.tmpdir()` then means in all tests and in what they start;
 * at the end the run fails if something lies in it or a process that names it still lives.
 */
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Vitest's `globalSetup`; the result is its teardown. */
export function setup(): () => Promise<void> {
  const outer = tmpdir();
  const dir = mkdtempSync(join(outer, "coracle-run-"));
  // Some tests run programs as another user.
  chmodSync(dir, 0o1777);
  process.env.TMPDIR = dir;
  return async () => {
    process.env.TMPDIR = outer;
    const left = await leftovers(dir);
    for (const { pid } of left.processes) process.kill(pid, "SIGKILL");
    rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    const lines = [...left.files, ...left.processes.map(({ pid, command }) => `process ${pid}: ${command}`)];
    if (lines.length === 0) return;
    console.error(`FAILED: the tests left behind:\n  ${lines.join("\n  ")}`);
    // Vitest prints what a teardown throws, but does not fail for it.
    process.exitCode = 1;
  };
}

interface Leftovers {
  readonly files: readonly string[];
  readonly processes: readonly { readonly pid: number; readonly command: string }[];
}

const settleMs = 5_000;
const lookMs = 100;

/** A process that has just been killed takes a moment to go. */
export async function leftovers(dir: string): Promise<Leftovers> {
  const limit = Date.now() + settleMs;
  for (;;) {
    const found = { files: readdirSync(dir), processes: processesNaming(dir) };
    if ((found.processes.length === 0 && found.files.length === 0) || Date.now() > limit) return found;
    await new Promise((resolve) => setTimeout(resolve, lookMs));
  }
}

/** Processes with the folder in their arguments or environment, but for this one and those that it is made of. Linux only. */
function processesNaming(dir: string): Leftovers["processes"] {
  const pids = read(() => readdirSync("/proc"), [])
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
  return pids
    .filter((pid) => !isOfThisRun(pid))
    .filter((pid) => textOf(pid, "environ").includes(`${dir}/`) || textOf(pid, "cmdline").includes(`${dir}/`))
    .map((pid) => ({ pid, command: textOf(pid, "cmdline").replaceAll("\0", " ").slice(0, 120) }));
}

/** Vitest's workers end after the teardown. */
const isOfThisRun = (pid: number): boolean => pid === process.pid || /vitest/.test(textOf(pid, "cmdline"));

const textOf = (pid: number, file: string): string => read(() => readFileSync(`/proc/${pid}/${file}`, "utf8"), "");

function read<T>(from: () => T, otherwise: T): T {
  try {
    return from();
  } catch {
    return otherwise;
  }
}
