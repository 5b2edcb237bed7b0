/** Where the command keeps what it writes: everything under `$CORACLE_HOME`, by default `~/.coracle`. */
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export interface Home {
  readonly dir: string;
  /** The cluster's state, volumes and logs. */
  readonly clusterDir: string;
  readonly kubeconfig: string;
  /** Which process serves the cluster. */
  readonly daemonFile: string;
  readonly daemonLog: string;
  /** The user's settings for the cluster, such as `images`. */
  readonly configFile: string;
}

export function coracleHome(env: NodeJS.ProcessEnv = process.env): Home {
  const dir = resolve(env.CORACLE_HOME || join(homedir(), ".coracle"));
  return {
    dir,
    clusterDir: join(dir, "cluster"),
    kubeconfig: join(dir, "kubeconfig"),
    daemonFile: join(dir, "daemon.json"),
    daemonLog: join(dir, "daemon.log"),
    configFile: join(dir, "config.yaml"),
  };
}

/** The checkout that this command runs from. */
export const workspaceRoot = fileURLToPath(new URL("../../..", import.meta.url)).replace(/\/$/, "");
