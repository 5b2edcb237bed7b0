import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { inCluster, isInCluster } from "./in-cluster.ts";
import { fromKubeconfig } from "./kubeconfig.ts";
import type { KubeConnection } from "./types.ts";

export interface LoadOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Kubeconfig context to use instead of the current one. */
  readonly context?: string;
}

/** KUBECONFIG when set, else the pod's own service account, else ~/.kube/config. */
export function loadConnection({ env = process.env, context }: LoadOptions = {}): Promise<KubeConnection> {
  if (env.KUBECONFIG) return fromKubeconfig(env.KUBECONFIG.split(delimiter).filter(Boolean), context);
  if (isInCluster(env)) return inCluster(env);
  return fromKubeconfig([join(env.HOME || homedir(), ".kube", "config")], context);
}
