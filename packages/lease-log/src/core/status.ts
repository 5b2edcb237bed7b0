import type { LogStatus } from "../types.ts";
import type { Leading, Node, Replica } from "./node.ts";

/** Lag in bytes is not known here: the driver adds it. */
export function statusOf(node: Node, now: number): LogStatus {
  const { config, leading, following, meta } = node;
  return {
    id: config.id,
    role: leading ? "primary" : "replica",
    primary: primaryOf(node),
    epoch: leading?.epoch ?? following?.epoch ?? meta.epochSeen,
    mode: config.mode,
    last: node.log.lastPosition,
    commitIndex: node.commit,
    applied: { epoch: node.log.epochAt(node.applied) ?? 0, index: node.applied },
    inSync: leading?.recorded.members ?? meta.inSync?.members ?? [],
    replicas: leading
      ? [...leading.replicas.values()].map((replica) => replicaStatus(node, leading, replica, now))
      : [],
    staleMs: leading ? 0 : now - (following?.asOf ?? -Infinity),
    blocked: blockedBy(node),
  };
}

function primaryOf({ config, leading, following, observed }: Node): string | undefined {
  if (leading) return config.id;
  if (following && following.epoch >= (observed?.epoch ?? 0)) return following.leader;
  return observed?.holder === config.id ? undefined : observed?.holder;
}

function replicaStatus(node: Node, leading: Leading, replica: Replica, now: number): LogStatus["replicas"][number] {
  const isConnected = replica.state !== "probing" && replica.downSince === undefined;
  return {
    id: replica.id,
    state: isConnected ? (replica.state as "snapshot" | "streaming") : "connecting",
    durableIndex: replica.match,
    isFull: replica.isFull,
    lagEntries: node.log.last - replica.match,
    lagBytes: 0,
    lagMs: replica.behindSince === undefined ? 0 : now - Math.max(replica.behindSince, leading.since),
  };
}

function blockedBy({ leading, isForeign, meta }: Node): string | undefined {
  if (isForeign) return `the data here belongs to another cluster (${meta.dataId})`;
  if (!leading) return "not the primary";
  return leading.blocked ?? (leading.handover ? `a switchover to ${leading.handover.to} is under way` : undefined);
}
