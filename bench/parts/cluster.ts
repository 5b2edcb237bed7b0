/** A cluster of its own for a benchmark: a fresh home, the daemon as `coracle cluster start` runs it, and what the process costs. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const daemonFile = fileURLToPath(new URL("../../packages/cli/dist/daemon.js", import.meta.url));

export interface BenchCluster {
  readonly pid: number;
  readonly url: string;
  readonly token: string;
  /** The API server's own certificate and key, for a control that speaks TLS just so. */
  readonly pkiDir: string;
  /** From the start of the process until it said that it was ready. */
  readonly startMs: number;
  stop(): Promise<void>;
}

export async function startBenchCluster(nodes = 1): Promise<BenchCluster> {
  const home = mkdtempSync(join(tmpdir(), "coracle-bench-"));
  const startedAt = performance.now();
  const daemon = spawn(process.execPath, [daemonFile, JSON.stringify({ nodes })], {
    env: { ...process.env, CORACLE_HOME: home },
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  await said(daemon, "ready");
  const startMs = performance.now() - startedAt;
  const kubeconfig = readFileSync(join(home, "kubeconfig"), "utf8");
  const field = (name: string): string => new RegExp(`${name}: "?([^"\\s]+)`).exec(kubeconfig)?.[1] ?? "";
  return {
    pid: daemon.pid ?? 0,
    url: field("server"),
    token: field("token"),
    pkiDir: join(home, "cluster", "pki"),
    startMs,
    stop: async () => {
      await ended(daemon);
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** Resolves with the child's first message; rejects when it ends before. */
export function said(child: ChildProcess, what: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    child.once("message", resolve);
    child.once("exit", (code) => reject(new Error(`the process ended (${code}) before it said ${what}`)));
  });
}

export function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once("exit", () => resolve());
    child.kill("SIGTERM");
  });
}

/** CPU time of a process and all its threads so far, in microseconds (Linux). */
export function cpuMicros(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  const nanos = threads.map((id) => Number(readFileSync(`/proc/${pid}/task/${id}/schedstat`, "utf8").split(" ")[0]));
  return nanos.reduce((sum, each) => sum + each, 0) / 1000;
}

/** Resident memory in MB (Linux). */
export function residentMb(pid: number): number {
  const kilobytes = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Math.round(Number(kilobytes) / 1024);
}
