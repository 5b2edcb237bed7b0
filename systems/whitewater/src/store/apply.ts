/** The log's commands, performed. A function of the state and the command alone. */

import { WhitewaterError } from "../errors.ts";
import type { Alarm, DeleteRangeResult, Header, PutResult, TxnResult } from "../kv/types.ts";
import type { Message } from "../proto/message.ts";
import { type CommandName, commands, type Request } from "./commands.ts";
import { type Lease, largestTtl } from "./leases.ts";
import { Refused } from "./refused.ts";
import { alarmKey, corrupt, hasAlarm, noSpace, removeKey, type State } from "./state.ts";
import { checkPut, deleteRange, put, txn } from "./writes.ts";

/** Told of leases, so that clocks can follow. */
export interface LeaseEvents {
  granted(lease: Lease): void;
  renewed(lease: Lease): void;
  removed(id: bigint): void;
}

export interface Results {
  readonly put: PutResult;
  readonly deleteRange: DeleteRangeResult;
  readonly txn: TxnResult;
  readonly compact: Header;
  readonly leaseGrant: { readonly header: Header; readonly id: bigint; readonly ttl: number };
  readonly leaseRevoke: Header;
  /** Those that are there. */
  readonly leaseRenew: ReadonlyMap<bigint, number>;
  readonly leaseExpire: Header;
  readonly alarm: readonly Alarm[];
}

type Performers = {
  readonly [N in CommandName]: (state: State, request: Request<N>, events: LeaseEvents) => Results[N];
};

const activate = 1;
const now = (state: State): Header => ({ revision: state.keys.revision });

const performers: Performers = {
  put(state, request) {
    if (hasAlarm(state, noSpace)) throw new Refused("no-space");
    checkPut(state, request);
    return put(state, request);
  },
  deleteRange,
  txn(state, request) {
    if (hasAlarm(state, noSpace) && hasPut(request)) throw new Refused("no-space");
    return txn(state, request);
  },
  compact(state, { revision }) {
    if (revision <= state.keys.compactRevision) throw new Refused("compacted");
    if (revision > state.keys.revision) throw new Refused("future-revision");
    state.keys.compactRevision = revision;
    return now(state);
  },
  leaseGrant(state, { id, ttl }, events) {
    if (hasAlarm(state, noSpace)) throw new Refused("no-space");
    if (ttl > largestTtl) throw new Refused("lease-ttl-too-large");
    if (id === 0n) throw new Refused("lease-not-found");
    if (state.leases.get(id) !== undefined) throw new Refused("lease-exists");
    events.granted(state.leases.grant(id, ttl));
    return { header: now(state), id, ttl };
  },
  leaseRevoke(state, { id }, events) {
    const lease = state.leases.get(id);
    if (lease === undefined) throw new Refused("lease-not-found");
    revoke(state, lease, events);
    return { revision: state.keys.openRevision };
  },
  leaseRenew(state, { leases }, events) {
    const renewed = new Map<bigint, number>();
    for (const { id } of leases) {
      const lease = state.leases.get(id);
      if (lease === undefined) continue;
      lease.renewals++;
      renewed.set(id, lease.ttl);
      events.renewed(lease);
    }
    return renewed;
  },
  leaseExpire(state, { leases }, events) {
    for (const { id, renewals } of leases) {
      const lease = state.leases.get(id);
      if (lease?.renewals === renewals) revoke(state, lease, events);
    }
    return { revision: state.keys.openRevision };
  },
  alarm(state, { action, memberId, alarm }) {
    const wanted = { memberId, alarm };
    const known = [...state.alarms.values()].filter(
      (one) => (alarm === 0 || one.alarm === alarm) && (memberId === 0n || one.memberId === memberId),
    );
    if (action === activate) {
      state.alarms.set(alarmKey(wanted), wanted);
      return [wanted];
    }
    for (const one of known) state.alarms.delete(alarmKey(one));
    return known;
  },
};

/** What goes on in a store that is said to be corrupt: nothing that would change what somebody is about to look into. */
const harmless: ReadonlySet<CommandName> = new Set(["leaseRenew", "alarm"]);

/** All its keys go in one revision, in order. */
function revoke(state: State, lease: Lease, events: LeaseEvents): void {
  for (const key of [...lease.keys].sort(byBytes)) {
    const version = state.keys.get(key, state.keys.openRevision);
    if (version !== undefined) removeKey(state, version);
  }
  state.leases.remove(lease.id);
  events.removed(lease.id);
}

const byBytes = (a: string, b: string): number => (a < b ? -1 : 1);

function hasPut({ success, failure }: Request<"txn">): boolean {
  return [...success, ...failure].some(
    ({ requestPut, requestTxn }) => requestPut !== undefined || (requestTxn !== undefined && hasPut(requestTxn)),
  );
}

const byNumber: (readonly [CommandName, Message<unknown>])[] = [];
for (const [name, [number, type]] of Object.entries(commands))
  byNumber[number] = [name as CommandName, type as Message<unknown>];

/** Never throws: a command that makes no sense is refused like any other. */
export function perform(state: State, command: Uint8Array, events: LeaseEvents): unknown {
  const known = byNumber[command[0] ?? 0];
  if (known === undefined) return new Refused("malformed");
  const [name, type] = known;
  if (hasAlarm(state, corrupt) && !harmless.has(name)) return new Refused("corrupt");
  try {
    const run = performers[name] as (state: State, request: unknown, events: LeaseEvents) => unknown;
    return run(state, type.decode(command.subarray(1)), events);
  } catch (error) {
    if (error instanceof Refused) return error;
    if (error instanceof WhitewaterError && error.code === "malformed") return new Refused("malformed");
    throw error;
  }
}
