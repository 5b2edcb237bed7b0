/** What a pod does whose disk belongs to a cluster already, before it takes part again. */
import type { Report, Roster } from "./types.ts";

export type Return =
  | { readonly kind: "start" }
  /** The cluster has removed this member: its disk must be emptied, and then asks for a seat as a new one. */
  | { readonly kind: "rejoin" }
  | { readonly kind: "refuse"; readonly reason: string };

/** `reports`: of one round, without the own. Nobody there is no hindrance: all members may be starting at the same time. */
export function judgeReturn(own: Roster, reports: readonly Report[]): Return {
  const clusters = reports.flatMap(({ cluster }) => (cluster ? [cluster] : []));
  const ours = clusters.filter(({ clusterId }) => clusterId === own.clusterId);
  if (ours.some(({ you }) => you === "removed" || you === "absent")) return { kind: "rejoin" };
  const [foreign] = clusters.filter(({ clusterId }) => clusterId !== own.clusterId);
  if (ours.length > 0 || !foreign) return { kind: "start" };
  return {
    kind: "refuse",
    reason:
      `This disk belongs to cluster ${own.clusterId}, but the peers form cluster ${foreign.clusterId}. Nothing was changed. ` +
      "If the data on this disk is not needed, delete this pod's claim and then the pod: it joins the peers with an empty disk.",
  };
}
