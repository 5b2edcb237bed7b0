/** `kvstore status`: role, primary, epoch and lag of the server asked. */
import type { LogStatus } from "@coracle/lease-log";
import { askOnce, show, type Target } from "./client.ts";

/** As STATUS tells it. `pid` as the server itself sees it; `staleMs` is null where nobody knows, for JSON has no Infinity. */
export type MemberStatus = Omit<LogStatus, "staleMs"> & {
  readonly keys: number;
  readonly pid: number;
  readonly staleMs: number | null;
};

export async function readStatus(target: Target): Promise<MemberStatus> {
  return JSON.parse(show(await askOnce(target, "STATUS"))) as MemberStatus;
}

/** Lines for people. */
export function statusText(status: MemberStatus): string {
  const facts: readonly (readonly [string, string | number])[] = [
    ["id", status.id],
    ["role", status.role],
    ["primary", status.primary ?? "none"],
    ["epoch", status.epoch],
    ["mode", status.mode],
    ["in sync", status.inSync.join(", ") || "-"],
    ["log", `${status.last.index} written, ${status.commitIndex} committed, ${status.applied.index} applied`],
    ["keys", status.keys],
    ...(status.blocked === undefined ? [] : ([["writes blocked", status.blocked]] as const)),
  ];
  const lines = facts.map(([name, value]) => `${name.padEnd(15)}${value}`);
  return [...lines, ...replicaTable(status)].join("\n");
}

function replicaTable({ replicas, inSync }: MemberStatus): string[] {
  if (replicas.length === 0) return [];
  const rows = replicas.map((replica) => [
    replica.id,
    replica.state,
    inSync.includes(replica.id) ? "yes" : "no",
    `${replica.lagEntries}`,
    `${replica.lagBytes}`,
    `${replica.lagMs} ms`,
  ]);
  const table = [["REPLICA", "STATE", "IN SYNC", "LAG ENTRIES", "LAG BYTES", "LAG TIME"], ...rows];
  const widths = table[0]?.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? [];
  return [
    "",
    ...table.map((row) =>
      row
        .map((cell, column) => cell.padEnd((widths[column] ?? 0) + 2))
        .join("")
        .trimEnd(),
    ),
  ];
}
