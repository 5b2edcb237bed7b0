/** Whether somebody is a member, as this member's cluster knows. */
import type { Raft } from "@coracle/raft";
import type { Verdict } from "./types.ts";

const VERDICT_MS = 1000;

/**
 * Whoever is told `removed` empties its disk. So that counts only once it is committed, and after a majority confirmed that nothing newer is: a removal
 * under way may be undone by the next leader, and the disk may be one of the majority that holds what was acknowledged.
 */
export async function verdictOn(raft: Pick<Raft, "status" | "readBarrier">, id: string): Promise<Verdict> {
  const isMember = (): boolean => {
    const { members, committed } = raft.status();
    return [...members, ...committed.members].some((member) => member.id === id);
  };
  if (isMember()) return "member";
  try {
    await raft.readBarrier(AbortSignal.timeout(VERDICT_MS));
    if (isMember()) return "member";
    return raft.status().committed.removed.includes(id) ? "removed" : "absent";
  } catch {
    return "unknown";
  }
}
