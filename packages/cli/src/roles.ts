/** Which role each pod of a system plays: by a label that the pods bear, or by asking one of them. */
import { isPodReady } from "@coracle/kube";
import type { Pod } from "kubernetes-types/core/v1.js";
import type { OfficialConfig } from "./connect.ts";
import { execInPod } from "./pod-streams.ts";

/** How a system tells roles. */
export type RoleRule = {
  /** The word for pods that nothing is told of. */
  readonly otherwise: string;
} & (
  | { readonly label: string }
  /** Run in a pod, it prints JSON: role by pod name. `leader` is the word for the one that leads. */
  | { readonly command: readonly string[]; readonly leader: string }
);

export type Roles = ReadonlyMap<string, string>;

/** Pods that are asked before the system counts as silent. */
const MAX_ASKED = 3;

/** By pod name. Empty when nobody can be asked. */
export async function rolesOf(
  rule: RoleRule | undefined,
  pods: readonly Pod[],
  config: () => Promise<OfficialConfig>,
): Promise<Roles> {
  if (!rule) return new Map();
  const told = "label" in rule ? labels(rule.label, pods) : await asked(rule.command, pods, config);
  return new Map(
    pods.map(({ metadata }) => metadata?.name ?? "").map((name) => [name, told.get(name) ?? rule.otherwise]),
  );
}

export const isLeader = (rule: RoleRule, role: string | undefined): boolean =>
  "leader" in rule ? role === rule.leader : role !== undefined && role !== rule.otherwise;

const labels = (label: string, pods: readonly Pod[]): Roles =>
  new Map(
    pods.flatMap(({ metadata }) => {
      const role = metadata?.labels?.[label];
      return role === undefined ? [] : [[metadata?.name ?? "", role] as const];
    }),
  );

async function asked(
  command: readonly string[],
  pods: readonly Pod[],
  config: () => Promise<OfficialConfig>,
): Promise<Roles> {
  for (const pod of pods.filter(isPodReady).slice(0, MAX_ASKED)) {
    const { name = "", namespace = "" } = pod.metadata ?? {};
    const container = pod.spec?.containers[0]?.name ?? "";
    const roles = await execInPod(await config(), { namespace, pod: name, container, command }).then(
      ({ code, output }) => (code === 0 ? parsed(output) : undefined),
      () => undefined,
    );
    if (roles) return roles;
  }
  return new Map();
}

function parsed(output: string): Roles | undefined {
  try {
    return new Map(Object.entries(JSON.parse(output) as Record<string, string>));
  } catch {
    return undefined;
  }
}
