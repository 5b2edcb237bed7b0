/** The cluster's own process: started by `coracle cluster start`, ended by SIGTERM. */
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { type Cluster, type ClusterOptions, startCluster } from "@coracle/cluster";
import type { StartOptions } from "./daemon-control.ts";
import type { DaemonRecord } from "./daemon-record.ts";
import { CliError } from "./errors.ts";
import { coracleHome, type Home, workspaceRoot } from "./home.ts";

const settings = [
  "images",
  "isolation",
  "nodes",
  "restartBackoffMs",
  "nodeGracePeriodMs",
  "evictionTolerationMs",
  "net",
] as const;

/** The user's settings for the cluster; unknown keys are refused, so that a typing error does not pass silently. */
async function configured(home: Home): Promise<ClusterOptions> {
  const text = await readFile(home.configFile, "utf8").catch(() => undefined);
  if (text === undefined) return {};
  const { parse } = await import("yaml");
  const config = (parse(text) ?? {}) as Record<string, unknown>;
  const unknown = Object.keys(config).filter((key) => !(settings as readonly string[]).includes(key));
  if (unknown.length > 0)
    throw new CliError(
      `${home.configFile} has unknown settings: ${unknown.join(", ")}. Known: ${settings.join(", ")}.`,
    );
  return config as ClusterOptions;
}

async function run(home: Home, options: StartOptions): Promise<void> {
  const cluster = await startCluster({
    ...(await configured(home)),
    ...(options as ClusterOptions),
    dir: home.clusterDir,
    workspace: workspaceRoot,
  });
  await announce(home, cluster);
  await once("SIGTERM", "SIGINT");
  await cluster.stop();
  await rm(home.daemonFile, { force: true });
}

/** The kubeconfig first: whoever finds the record may use it at once. */
async function announce(home: Home, cluster: Cluster): Promise<void> {
  await replaceFile(home.kubeconfig, cluster.kubeconfig);
  const record: DaemonRecord = {
    pid: process.pid,
    url: cluster.url,
    startedAt: new Date().toISOString(),
    nodes: cluster.nodes.names,
    isolation: cluster.isolation,
  };
  await replaceFile(home.daemonFile, JSON.stringify(record));
  process.send?.("ready");
}

async function replaceFile(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text, { mode: 0o600 });
  await rename(`${path}.new`, path);
}

const once = (...signals: NodeJS.Signals[]): Promise<void> =>
  new Promise((resolve) => {
    for (const signal of signals) process.once(signal, () => resolve());
  });

try {
  await run(coracleHome(), JSON.parse(process.argv[2] ?? "{}") as StartOptions);
  process.exit(0);
} catch (error) {
  const { name, message, stack } = error as Error;
  process.stderr.write(`${/^(Cluster|Network|Wal|Cli)Error$/.test(name) ? message : stack}\n`);
  process.exit(1);
}
