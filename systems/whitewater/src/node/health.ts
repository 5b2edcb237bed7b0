/** Whether this member serves, and whether a restart would help it. */
import { statfs } from "node:fs/promises";
import type { HealthCheck } from "@coracle/pod";
import type { RunningMember } from "../http/context.ts";

/** Ready: takes part, knows a leader, and lacks no more than `maxLagEntries` of what is committed. */
export const readiness =
  (member: () => Pick<RunningMember, "raft"> | undefined, waitsFor: () => string, maxLagEntries: number): HealthCheck =>
  () => {
    const raft = member()?.raft;
    if (!raft) return waitsFor();
    const { role, leader, commitIndex, appliedIndex } = raft.status();
    if (role === "removed") return "the cluster has removed this member";
    if (leader === undefined) return "no leader is known";
    const lag = commitIndex - appliedIndex;
    return lag <= maxLagEntries ? undefined : `${lag} committed entries are not applied yet`;
  };

/** Live: the event loop turns (this answers) and the data folder is still there. */
export const liveness =
  (dataDir: string): HealthCheck =>
  async () => {
    await statfs(dataDir);
    return undefined;
  };
