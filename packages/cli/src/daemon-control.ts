/** Starting and stopping the cluster's process. */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type DaemonRecord, runningDaemon } from "./daemon-record.ts";
import { CliError } from "./errors.ts";
import type { Home } from "./home.ts";
import { openHome } from "./home-folder.ts";

const startTimeoutMs = 30_000;
const stopTimeoutMs = 60_000;

export interface StartOptions {
  readonly nodes?: number;
  readonly isolation?: string;
}

/** The running cluster, started if need be. */
export async function ensureDaemon(
  home: Home,
  options: StartOptions = {},
): Promise<DaemonRecord & { readonly started: boolean }> {
  const running = await runningDaemon(home);
  if (running) return { ...running, started: false };
  await startDaemon(home, options);
  const record = await runningDaemon(home);
  if (!record) throw new CliError(`The cluster ended right after its start; its log is ${home.daemonLog}.`);
  return { ...record, started: true };
}

async function startDaemon(home: Home, options: StartOptions): Promise<void> {
  const log = openHome(home);
  const child = spawn(
    process.execPath,
    [fileURLToPath(new URL("./daemon.js", import.meta.url)), JSON.stringify(options)],
    {
      detached: true,
      stdio: ["ignore", log, log, "ipc"],
      env: { ...process.env, CORACLE_HOME: home.dir },
    },
  );
  closeSync(log);
  try {
    await readiness(child, home);
  } finally {
    if (child.connected) child.disconnect();
    child.unref();
  }
}

/** Settles with the first of: the ready message, the process's end, the time limit. */
function readiness(child: ChildProcess, home: Home): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      reject(
        new CliError(`The cluster did not answer within ${startTimeoutMs / 1000} s; its log is ${home.daemonLog}.`),
      );
    }, startTimeoutMs);
    child.once("error", reject);
    child.once("message", () => {
      clearTimeout(timer);
      resolve();
    });
    child.once("exit", async (code, signal) => {
      clearTimeout(timer);
      reject(
        new CliError(
          `The cluster could not start (${signal ?? `exit code ${code}`}):\n${await lastLines(home.daemonLog, 12)}`,
        ),
      );
    });
  });
}

async function lastLines(file: string, count: number): Promise<string> {
  const text = await readFile(file, "utf8").catch(() => "");
  return text
    .trimEnd()
    .split("\n")
    .slice(-count)
    .map((line) => `  ${line}`)
    .join("\n");
}

/** Stops the cluster and its pods; objects and volumes stay. Returns whether there was one. */
export async function stopDaemon(home: Home): Promise<boolean> {
  const running = await runningDaemon(home);
  if (!running) return false;
  process.kill(running.pid, "SIGTERM");
  const deadline = performance.now() + stopTimeoutMs;
  while (await runningDaemon(home)) {
    if (performance.now() > deadline)
      throw new CliError(
        `The cluster (process ${running.pid}) did not end within ${stopTimeoutMs / 1000} s; look at ${home.daemonLog}.`,
      );
    await delay(25);
  }
  await rm(home.daemonFile, { force: true });
  return true;
}
