/** What a cluster can be told, with its defaults. */
import { ClusterError } from "./errors.ts";
import type { Program } from "./kubelet/images/types.ts";

export interface ClusterOptions {
  /** Folder of the cluster's state, volumes and logs; a temporary one that `stop` removes when absent. */
  readonly dir?: string;
  /** Number of virtual nodes, 1 to 100; default 1. */
  readonly nodes?: number;
  /** How pods are kept apart; `auto` (default) takes namespaces where the kernel allows them. */
  readonly isolation?: "auto" | "namespaces" | "plain";
  /** The folder whose `packages/*` and `systems/*` provide images named `coracle/<name>`. */
  readonly workspace?: string;
  /** Further images: reference or repository to the program of this machine that stands in for it. */
  readonly images?: Readonly<Record<string, Program>>;
  /** Load balancers also listen on 127.0.0.1 at their own port where it is free; default true. */
  readonly loopbackLoadBalancers?: boolean;
  /** Which 127.<net>.0.0/16 to take, where it is free; default the first free one from 10 on. */
  readonly net?: number;
  /** First restart delay of a crashed container, in milliseconds; default 10 000, as Kubernetes. */
  readonly restartBackoffMs?: number;
  /** A node that has not been heard of for this long is not ready, in milliseconds; default 40 000, as Kubernetes. */
  readonly nodeGracePeriodMs?: number;
  /** How long pods stay on a node that is not ready, where they do not say, in milliseconds; default 300 000, as Kubernetes. */
  readonly evictionTolerationMs?: number;
}

export type ResolvedOptions = Required<Omit<ClusterOptions, "dir" | "workspace" | "net">> &
  Pick<ClusterOptions, "dir" | "workspace" | "net">;

const defaults = {
  nodes: 1,
  isolation: "auto",
  images: {},
  loopbackLoadBalancers: true,
  restartBackoffMs: 10_000,
  nodeGracePeriodMs: 40_000,
  evictionTolerationMs: 300_000,
} as const;

const known = new Set([...Object.keys(defaults), "dir", "workspace", "net"]);

/**
 * Fills in the defaults; an explicit undefined counts as absent.
 * @throws ClusterError `bad-option` for unknown keys and values out of range
 */
export function resolveOptions(options: ClusterOptions): ResolvedOptions {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  for (const [key] of given)
    if (!known.has(key))
      throw new ClusterError("bad-option", `startCluster has no option ${key}; it has ${[...known].join(", ")}.`);
  const resolved: ResolvedOptions = { ...defaults, ...Object.fromEntries(given) };
  if (!Number.isInteger(resolved.nodes) || resolved.nodes < 1 || resolved.nodes > 100)
    throw new ClusterError("bad-option", `nodes must be a whole number from 1 to 100, not ${resolved.nodes}.`);
  if (!["auto", "namespaces", "plain"].includes(resolved.isolation))
    throw new ClusterError("bad-option", `isolation must be auto, namespaces or plain, not ${resolved.isolation}.`);
  return resolved;
}
