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
  const { net } = resolved;
  if (net !== undefined && (!Number.isInteger(net) || net < 1 || net > 254))
    throw new ClusterError("bad-option", `net must be a whole number from 1 to 254, not ${net}.`);
  for (const name of durations)
    if (!(resolved[name] > 0))
      throw new ClusterError("bad-option", `${name} must be a number of milliseconds above 0, not ${resolved[name]}.`);
  for (const [image, program] of Object.entries(resolved.images)) checkProgram(image, program);
  return resolved;
}

const durations = ["restartBackoffMs", "nodeGracePeriodMs", "evictionTolerationMs"] as const;

const isWords = (value: unknown): boolean => Array.isArray(value) && value.every((word) => typeof word === "string");

const isTexts = (value: unknown): boolean =>
  typeof value === "object" && value !== null && isWords(Object.values(value));

/** The fields of a program, each with its form in words and its check. Only `command` must be there. */
const programFields: Readonly<Record<string, readonly [form: string, check: (value: unknown) => boolean]>> = {
  command: ["a list of texts", isWords],
  args: ["a list of texts", isWords],
  pathDirs: ["a list of folders", isWords],
  hostDirs: ["a list of folders", isWords],
  ownDirs: ["a list of folders", isWords],
  env: ["names with texts", isTexts],
  workingDir: ["a folder", (value) => typeof value === "string"],
  user: ["a user's number", Number.isInteger],
};

/** Programs come from a file that people write: what is wrong there is told before any pod fails of it. */
function checkProgram(image: string, program: Program): void {
  const refuse = (what: string): never => {
    throw new ClusterError("bad-option", `images: ${image}: ${what}.`);
  };
  if (typeof program !== "object" || program === null) refuse("is not a program; give at least its command");
  if (program.command === undefined) refuse("has no command");
  for (const [name, value] of Object.entries(program)) {
    const field = Object.hasOwn(programFields, name) ? programFields[name] : undefined;
    if (field === undefined) refuse(`has no setting ${name}; there are ${Object.keys(programFields).join(", ")}`);
    else if (value !== undefined && !field[1](value)) refuse(`${name} must be ${field[0]}`);
  }
}
