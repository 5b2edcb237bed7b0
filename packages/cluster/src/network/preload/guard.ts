/** NetworkPolicy inside the pod: asked before every connection in either direction, and again for live ones when it changes. */
import { type Flow, noPolicy, type PolicyTable, permits } from "../policy/decide.ts";
import { followFile } from "./follow-file.ts";

export interface PolicyGuard {
  permits(flow: Flow): boolean;
  /** Calls back whenever the policy has changed. */
  onChange(listener: () => void): void;
}

const permitAll: PolicyGuard = { permits: () => true, onChange: () => {} };

/** Follows the policy file; without one everything is permitted. A connection of the pod with itself always is. */
export function followPolicy(file: string | undefined, podIp: string): PolicyGuard {
  if (!file) return permitAll;
  const table = followFile<PolicyTable>(file, noPolicy);
  return {
    permits: (flow) => flow.peer === podIp || permits(table.current(), podIp, flow),
    onChange: table.onChange,
  };
}
