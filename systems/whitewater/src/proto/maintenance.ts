/** etcd's messages for upkeep, and gRPC's own for health. */
import { bool, bytes, int, many, one, text, texts, uid } from "./fields.ts";
import { header } from "./kv.ts";
import { message } from "./message.ts";

export const alarmActions = ["get", "activate", "deactivate"] as const;
export const alarmTypes = ["none", "nospace", "corrupt"] as const;

export const alarmRequest = message("etcdserverpb.AlarmRequest", { action: int(1), memberId: uid(2), alarm: int(3) });
export const alarmMember = message("etcdserverpb.AlarmMember", { memberId: uid(1), alarm: int(2) });
export const alarmResponse = message("etcdserverpb.AlarmResponse", {
  header: one(1, () => header),
  alarms: many(2, () => alarmMember),
});
export const statusRequest = message("etcdserverpb.StatusRequest", {});
export const statusResponse = message("etcdserverpb.StatusResponse", {
  header: one(1, () => header),
  version: text(2),
  dbSize: int(3),
  leader: uid(4),
  raftIndex: int(5),
  raftTerm: int(6),
  raftAppliedIndex: int(7),
  errors: texts(8),
  dbSizeInUse: int(9),
  isLearner: bool(10),
});
export const defragmentRequest = message("etcdserverpb.DefragmentRequest", {});
export const defragmentResponse = message("etcdserverpb.DefragmentResponse", { header: one(1, () => header) });
export const hashRequest = message("etcdserverpb.HashRequest", {});
export const hashResponse = message("etcdserverpb.HashResponse", { header: one(1, () => header), hash: int(2) });
export const hashKvRequest = message("etcdserverpb.HashKVRequest", { revision: int(1) });
export const hashKvResponse = message("etcdserverpb.HashKVResponse", {
  header: one(1, () => header),
  hash: int(2),
  compactRevision: int(3),
});
export const snapshotRequest = message("etcdserverpb.SnapshotRequest", {});
export const snapshotResponse = message("etcdserverpb.SnapshotResponse", {
  header: one(1, () => header),
  remainingBytes: int(2),
  blob: bytes(3),
});
export const moveLeaderRequest = message("etcdserverpb.MoveLeaderRequest", { targetId: uid(1) });
export const moveLeaderResponse = message("etcdserverpb.MoveLeaderResponse", { header: one(1, () => header) });

export const healthCheckRequest = message("grpc.health.v1.HealthCheckRequest", { service: text(1) });
/** `status`: 1 serving, 2 not serving. */
export const healthCheckResponse = message("grpc.health.v1.HealthCheckResponse", { status: int(1) });
