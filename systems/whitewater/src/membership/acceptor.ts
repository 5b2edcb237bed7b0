/** What a disk promises when it is asked. The result must be on the disk before the answer leaves. */
import { type Ask, type Ballot, compareBallots, type DiskRecord, type Roster } from "./types.ts";

/** The same object when nothing changes. */
export function answerAsk(record: DiskRecord, ask: Ask): DiskRecord {
  // Invariant 3: whoever belongs to a cluster says so instead.
  if (record.cluster) return record;
  if (ask.kind === "prepare" && compareBallots(ask.ballot, record.promised) > 0)
    return { ...record, promised: ask.ballot };
  if (ask.kind === "accept" && compareBallots(ask.vote.ballot, record.promised) >= 0)
    return { ...record, promised: ask.vote.ballot, accepted: ask.vote };
  if (ask.kind === "form" && isNewest(record, ask.vote.ballot) && hasSeat(ask.vote.roster, record.disk))
    return { ...record, cluster: ask.vote.roster };
  return record;
}

/** Accepted, and nothing newer promised: a newer proposal may already count on this disk's belonging nowhere. */
const isNewest = ({ promised, accepted }: DiskRecord, ballot: Ballot): boolean =>
  accepted !== undefined && compareBallots(accepted.ballot, ballot) === 0 && compareBallots(promised, ballot) === 0;

export const hasSeat = ({ seats }: Roster, disk: string): boolean => seats.some(({ id }) => id === disk);
