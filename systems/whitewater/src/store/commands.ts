/** What the log holds: one byte that says which request, then etcd's own message for it, as it came from the client where it did. */

import { id, int, many } from "../proto/fields.ts";
import { compactionRequest, deleteRangeRequest, putRequest, txnRequest } from "../proto/kv.ts";
import { leaseGrantRequest, leaseRevokeRequest } from "../proto/lease.ts";
import { alarmRequest } from "../proto/maintenance.ts";
import { type Draft, type Message, message } from "../proto/message.ts";

/** `renewals` is what the lease had when its time ran out. */
const leaseMark = message("whitewater.LeaseMark", { id: id(1), renewals: int(2) });
const leaseMarks = message("whitewater.LeaseMarks", { leases: many(1, () => leaseMark) });

/** Numbers are for ever: logs and snapshots hold them. */
export const commands = {
  put: [1, putRequest],
  deleteRange: [2, deleteRangeRequest],
  txn: [3, txnRequest],
  compact: [4, compactionRequest],
  leaseGrant: [5, leaseGrantRequest],
  leaseRevoke: [6, leaseRevokeRequest],
  leaseRenew: [7, leaseMarks],
  leaseExpire: [8, leaseMarks],
  alarm: [9, alarmRequest],
} as const satisfies Readonly<Record<string, readonly [number, Message<never> | Message<unknown>]>>;

export type CommandName = keyof typeof commands;
export type Request<N extends CommandName> = (typeof commands)[N][1] extends Message<infer T> ? T : never;

export function encodeCommand<N extends CommandName>(name: N, request: Draft<Request<N>>): Buffer {
  const [, type] = commands[name];
  return wrapCommand(name, (type as Message<unknown>).encode(request as Draft<unknown>));
}

/** `body` is the request's message. */
export function wrapCommand(name: CommandName, body: Uint8Array): Buffer {
  const command = Buffer.allocUnsafe(body.length + 1);
  command[0] = commands[name][0];
  command.set(body, 1);
  return command;
}
