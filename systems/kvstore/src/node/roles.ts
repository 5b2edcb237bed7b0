/** Says in the log, in the original's words, which role this member takes, and why. */
import type { ReplicatedLog, Role } from "@coracle/lease-log";
import type { Logger } from "@coracle/pod";

/**
 * The first line comes when the role is known: when this member leads, or when it knows who does. Later ones at every change of role
 * or primary.
 */
export function announceRoles(log: Pick<ReplicatedLog, "subscribe">, logger: Logger): () => void {
  let last: { role: Role; primary: string | undefined } | undefined;
  return log.subscribe(({ role, primary, epoch }) => {
    if (role === "replica" && primary === undefined && last === undefined) return;
    if (last?.role === role && (role === "primary" || primary === undefined || last.primary === primary)) return;
    const reason = reasonFor(role, primary, last?.role);
    last = { role, primary };
    logger.info(role === "primary" ? "Starting as MASTER" : "Starting as REPLICA", { epoch, primary, reason });
  });
}

function reasonFor(role: Role, primary: string | undefined, before: Role | undefined): string {
  if (role === "primary") return before === undefined ? "holds the Lease" : "took the Lease over";
  if (before === "primary") return "the Lease is lost or handed over";
  return before === undefined ? `${primary} holds the Lease` : `${primary} took the Lease over`;
}
