/** etcd's messages for watching. */
import { bool, id, int, ints, key, many, one, text } from "./fields.ts";
import { header, keyValue } from "./kv.ts";
import { message } from "./message.ts";

export const watchCreateRequest = message("etcdserverpb.WatchCreateRequest", {
  key: key(1),
  rangeEnd: key(2),
  startRevision: int(3),
  progressNotify: bool(4),
  filters: ints(5),
  prevKv: bool(6),
  watchId: id(7),
  fragment: bool(8),
});
export const watchCancelRequest = message("etcdserverpb.WatchCancelRequest", { watchId: id(1) });
export const watchProgressRequest = message("etcdserverpb.WatchProgressRequest", {});
export const watchRequest = message("etcdserverpb.WatchRequest", {
  createRequest: one(1, () => watchCreateRequest),
  cancelRequest: one(2, () => watchCancelRequest),
  progressRequest: one(3, () => watchProgressRequest),
});
/** `type`: 0 put, 1 deletion. */
export const event = message("mvccpb.Event", {
  type: int(1),
  kv: one(2, () => keyValue),
  prevKv: one(3, () => keyValue),
});
export const watchResponse = message("etcdserverpb.WatchResponse", {
  header: one(1, () => header),
  watchId: id(2),
  created: bool(3),
  canceled: bool(4),
  compactRevision: int(5),
  cancelReason: text(6),
  fragment: bool(7),
  events: many(11, () => event),
});
