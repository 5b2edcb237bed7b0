/** Which member to ask: the one named, or, behind a name that stands for all of them, the one that fits. */
import { lookup } from "node:dns/promises";
import { KvStoreError } from "../errors.ts";
import type { Target } from "./client.ts";
import { type MemberStatus, readStatus } from "./status.ts";

/** Members asked when a name stands for several. */
const MAX_MEMBERS = 100;

interface Found {
  readonly target: Target;
  readonly status: MemberStatus;
}

/**
 * A replica that may be copied: in sync, and the least stale of them; the primary when there is none. `target.host` may stand for any number of
 * members, as a headless Service's name does. Rejects with `connection` when no member answers.
 */
export async function findReplica(target: Target): Promise<Target> {
  const found = await membersOf(target);
  const replicas = found
    .filter(({ status }) => status.role === "replica" && status.inSync.includes(status.id))
    .sort((a, b) => staleness(a) - staleness(b));
  const chosen = replicas[0] ?? found.find(({ status }) => status.role === "primary");
  if (chosen) return chosen.target;
  throw new KvStoreError(
    "connection",
    `No member behind ${target.host} is the primary or in sync with it. Try again when kvstore status names a primary.`,
  );
}

/** JSON has no Infinity: a staleness that nobody knows comes as null. */
const staleness = ({ status }: Found): number => status.staleMs ?? Number.POSITIVE_INFINITY;

async function membersOf(target: Target): Promise<Found[]> {
  const addresses = await lookup(target.host, { all: true }).catch((cause: unknown) => {
    throw new KvStoreError("connection", `The name ${target.host} can't be resolved.`, { cause });
  });
  const targets = addresses.slice(0, MAX_MEMBERS).map(({ address }) => ({ ...target, host: address }));
  const answers = await Promise.allSettled(
    targets.map(async (each) => ({ target: each, status: await readStatus(each) })),
  );
  const found = answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value] : []));
  const [first] = answers;
  if (found.length === 0 && first?.status === "rejected") throw first.reason;
  return found;
}
