/** The cluster's own process: started by `coracle cluster start`, ended by SIGTERM. */
import { rename, rm, writeFile } from "node:fs/promises";
import { type Cluster, type ClusterOptions, startCluster } from "@coracle/cluster";
import { readClusterConfig } from "./cluster-config.ts";
import type { StartOptions } from "./daemon-control.ts";
import type { DaemonRecord } from "./daemon-record.ts";
import { coracleHome, type Home, workspaceRoot } from "./home.ts";

async function run(home: Home, options: StartOptions): Promise<void> {
  const cluster = await startCluster({
    ...(await readClusterConfig(home.configFile)),
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
