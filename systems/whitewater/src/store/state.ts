/** The whole replicated state: keys, leases, alarms. What changes it are the functions of `apply`, nothing else. */
import type { Alarm } from "../kv/types.ts";
import { Keyspace } from "./keyspace.ts";
import { Leases } from "./leases.ts";
import type { KeyVersion } from "./version.ts";

export interface State {
  readonly keys: Keyspace;
  readonly leases: Leases;
  readonly alarms: Map<string, Alarm>;
}

export const emptyState = (): State => ({ keys: new Keyspace(), leases: new Leases(), alarms: new Map() });

export const alarmKey = ({ memberId, alarm }: Alarm): string => `${alarm}/${memberId}`;

/** Kinds of alarms: under the first, keys and leases may only become fewer; under the second, nothing changes at all. */
export const noSpace = 1;
export const corrupt = 2;

export function hasAlarm(state: State, kind: number): boolean {
  for (const { alarm } of state.alarms.values()) if (alarm === kind) return true;
  return false;
}

/** Puts within the open transaction. */
export function putKey(state: State, key: string, value: Uint8Array, lease: bigint): KeyVersion {
  const before = state.keys.get(key, state.keys.openRevision);
  state.leases.move(key, before?.lease ?? 0n, lease);
  return state.keys.put(key, value, lease);
}

/** Deletes within the open transaction. */
export function removeKey(state: State, version: KeyVersion): void {
  state.leases.move(version.key, version.lease, 0n);
  state.keys.remove(version);
}
