/** The log's commands, performed. A function of the state and the command alone. */

import { WhitewaterError } from "../errors.ts";
import type { Alarm, DeleteRangeResult, Header, PutResult, TxnResult } from "../kv/types.ts";
import type { Message } from "../proto/message.ts";
import { type CommandName, commands, type Request } from "./commands.ts";
import type { Piece } from "./keyspace.ts";
import { type Lease, largestTtl } from "./leases.ts";
import { Refused } from "./refused.ts";
import { alarmKey, corrupt, hasAlarm, noSpace, type State } from "./state.ts";
import { type Steps, stepKeys } from "./steps.ts";
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
  readonly [N in CommandName]: (
    state: State,
    request: Request<N>,
    events: LeaseEvents,
  ) => Results[N] | Steps<Results[N]>;
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
  *leaseRevoke(state, { id }, events) {
    const lease = state.leases.get(id);
    if (lease === undefined) throw new Refused("lease-not-found");
    return yield* revoke(state, [lease], events);
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
  *leaseExpire(state, { leases }, events) {
    const over = leases.flatMap(({ id, renewals }) => {
      const lease = state.leases.get(id);
      return lease?.renewals === renewals ? [lease] : [];
    });
    return yield* revoke(state, over, events);
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

/**
 * All their keys go in one revision, each lease's in order. The leases themselves have no revisions to be read at: they go last, when nothing comes between
 * that and the end of the revision.
 */
function* revoke(state: State, leases: readonly Lease[], events: LeaseEvents): Steps<Header> {
  for (const lease of leases) {
    for (const { found, scanned } of keysOf(state, lease)) {
      for (const version of found) if (version.lease === lease.id) state.keys.remove(version);
      yield scanned;
    }
  }
  for (const { id } of leases) {
    state.leases.remove(id);
    events.removed(id);
  }
  return { revision: state.keys.openRevision };
}

/** Where its keys are, in order: of many it costs less to look at all keys, which are in order, than to sort them, and it can be done piece by piece. */
function keysOf({ keys }: State, lease: Lease): Iterable<Piece> {
  const at = keys.openRevision;
  if (lease.keys.size > stepKeys) return keys.pieces("", "\0", at);
  const found = [...lease.keys].sort(byBytes).flatMap((key) => keys.get(key, at) ?? []);
  return [{ found, scanned: found.length }];
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

/** The result, or `Steps` to it. Neither throws: a command that makes no sense is refused like any other. */
export function perform(state: State, command: Uint8Array, events: LeaseEvents): unknown {
  const known = byNumber[command[0] ?? 0];
  if (known === undefined) return new Refused("malformed");
  const [name, type] = known;
  if (hasAlarm(state, corrupt) && !harmless.has(name)) return new Refused("corrupt");
  try {
    const run = performers[name] as (state: State, request: unknown, events: LeaseEvents) => unknown;
    const outcome = run(state, type.decode(command.subarray(1)), events);
    return isSteps(outcome) ? unlessRefused(outcome) : outcome;
  } catch (error) {
    return refusalOf(error);
  }
}

function* unlessRefused(steps: Steps<unknown>): Steps<unknown> {
  try {
    return yield* steps;
  } catch (error) {
    return refusalOf(error);
  }
}

function refusalOf(error: unknown): Refused {
  if (error instanceof Refused) return error;
  if (error instanceof WhitewaterError && error.code === "malformed") return new Refused("malformed");
  throw error;
}

export const isSteps = (outcome: unknown): outcome is Steps<unknown> =>
  typeof outcome === "object" && outcome !== null && Symbol.iterator in outcome && "next" in outcome;
