/** A pod that is told to stop because it is scaled away: it leaves the cluster before it goes. */
import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "@coracle/pod";
import type { Raft } from "@coracle/raft";
import type { Wanted } from "../membership/wanted.ts";

/** Bounds: the leader removes it within moments, or else later, when it is gone. */
const LEAVE_MS = 15_000;
const POLL_MS = 50;

/**
 * Resolves once the leader has removed this member, which still counts meanwhile, so that no majority is at risk; at once when the pod is not scaled
 * away, or nobody can tell. Only the API can: a pod that restarts must not leave.
 */
export async function leaveIfScaledAway(
  raft: Pick<Raft, "status">,
  ordinal: number | undefined,
  wanted: Wanted,
  logger: Logger,
  hurry: AbortSignal,
): Promise<void> {
  const replicas = ordinal === undefined ? undefined : await wanted.refresh();
  if (ordinal === undefined || replicas === undefined || replicas === 0 || ordinal < replicas) return;
  logger.info("scaled away: waits to be removed", { wanted: replicas });
  const giveUpAt = performance.now() + LEAVE_MS;
  const isMember = (): boolean => {
    const { id, members, role } = raft.status();
    return role !== "removed" && members.some((each) => each.id === id);
  };
  while (isMember() && performance.now() < giveUpAt && !hurry.aborted) await delay(POLL_MS);
}
