/** The note that the cluster's process leaves, so that later commands find it. */
import { readFile, rm } from "node:fs/promises";
import type { Home } from "./home.ts";

export interface DaemonRecord {
  readonly pid: number;
  readonly url: string;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly nodes: readonly string[];
  readonly isolation: string;
}

/** The record of the running cluster; undefined when none runs (a record left by a crash is removed). */
export async function runningDaemon(home: Home): Promise<DaemonRecord | undefined> {
  const text = await readFile(home.daemonFile, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  const record = parse(text);
  if (record && isDaemon(record.pid, await commandLine(record.pid))) return record;
  await rm(home.daemonFile, { force: true });
  return undefined;
}

function parse(text: string): DaemonRecord | undefined {
  try {
    return JSON.parse(text) as DaemonRecord;
  } catch {
    return undefined;
  }
}

/** Process ids are reused: where the system tells command lines, the process must also be ours. */
function isDaemon(pid: number, command: string | undefined): boolean {
  if (command !== undefined) return command.includes("daemon");
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function commandLine(pid: number): Promise<string | undefined> {
  if (process.platform !== "linux") return undefined;
  return readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
}
