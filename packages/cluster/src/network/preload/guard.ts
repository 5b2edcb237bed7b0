/** NetworkPolicy inside the pod: asked before every connection in either direction, and again for live ones when it changes. */
import { readFileSync, watch } from "node:fs";
import { basename, dirname } from "node:path";
import { type Flow, type PodPolicy, permits } from "../policy/decide.ts";

export interface PolicyGuard {
  permits(flow: Flow): boolean;
  /** Calls back whenever the policy has changed. */
  onChange(listener: () => void): void;
}

const permitAll: PolicyGuard = { permits: () => true, onChange: () => {} };

/** Follows the pod's policy file; without one everything is permitted. A connection of the pod with itself always is. */
export function followPolicy(file: string | undefined, podIp: string): PolicyGuard {
  if (!file) return permitAll;
  const listeners = new Set<() => void>();
  let policy = read(file);
  const reload = (_event: string, name: string | null): void => {
    if (name !== null && name !== basename(file)) return;
    policy = read(file);
    for (const listener of listeners) listener();
  };
  // The folder, because the file is replaced by renaming another over it. Must not keep the process alive.
  watch(dirname(file), { persistent: false }, reload).on("error", () => {});
  return {
    permits: (flow) => flow.peer === podIp || permits(policy, flow),
    onChange: (listener) => void listeners.add(listener),
  };
}

function read(file: string): PodPolicy {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    // No file: nothing restricts the pod. It is replaced atomically, so it is never half there.
    return {};
  }
}
