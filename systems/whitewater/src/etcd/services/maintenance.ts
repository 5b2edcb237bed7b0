/** etcdserverpb.Maintenance */
import { failureOf } from "../../kv/failure.ts";
import { grpc, refuse } from "../../kv/refusals.ts";
import * as messages from "../../proto/maintenance.ts";
import { type EtcdContext, hexOf, idOf } from "../context.ts";
import { type Method, refuseCall, type Streaming, unary } from "../grpc.ts";

/** Of etcd, whose API this is; clients read features from it. */
const version = "3.5.0+whitewater";
const alarmNames = ["NONE", "NOSPACE", "CORRUPT"] as const;

export function maintenanceMethods(context: EtcdContext): readonly (readonly [string, Method])[] {
  const { kv, raft, header } = context;
  return [
    ["/etcdserverpb.Maintenance/Alarm", alarm(context)],
    [
      "/etcdserverpb.Maintenance/Status",
      unary(messages.statusRequest, messages.statusResponse, async () => status(context)),
    ],
    [
      "/etcdserverpb.Maintenance/Defragment",
      // There is no file with holes in it: memory of what was compacted is given back all the time.
      unary(messages.defragmentRequest, messages.defragmentResponse, async () => ({ header: header() })),
    ],
    [
      "/etcdserverpb.Maintenance/Hash",
      unary(messages.hashRequest, messages.hashResponse, async () => ({
        header: header(),
        hash: (await kv.hash(0)).hash,
      })),
    ],
    [
      "/etcdserverpb.Maintenance/HashKV",
      unary(messages.hashKvRequest, messages.hashKvResponse, async ({ revision }) => {
        const { hash, compactRevision } = await kv.hash(revision);
        return { header: header(), hash, compactRevision };
      }),
    ],
    ["/etcdserverpb.Maintenance/Snapshot", snapshot(context)],
    [
      "/etcdserverpb.Maintenance/MoveLeader",
      unary(messages.moveLeaderRequest, messages.moveLeaderResponse, async ({ targetId }) => {
        const { id, role, members } = raft.status();
        if (role !== "leader") throw refuse("not-leader");
        const target = members.find((member) => member.id === hexOf(targetId));
        if (target === undefined || target.isLearner) throw refuse("bad-leader-transferee");
        // As etcd, content with what is the case already.
        if (target.id === id) return { header: header() };
        await raft.transferLeadership(target.id).catch((error: unknown) => {
          throw failureOf(error);
        });
        return { header: header() };
      }),
    ],
  ];
}

const alarm = ({ kv, header }: EtcdContext): Method =>
  unary(messages.alarmRequest, messages.alarmResponse, async ({ action, memberId, alarm }) => {
    const wanted = messages.alarmActions[action];
    if (wanted === undefined || messages.alarmTypes[alarm] === undefined) throw refuse("unknown-alarm");
    if (wanted === "get")
      return { header: header(), alarms: kv.alarms().filter((one) => alarm === 0 || one.alarm === alarm) };
    const alarms = await kv.setAlarm({ memberId, alarm }, wanted === "activate");
    return { header: header(), alarms };
  });

function status({ kv, raft, header }: EtcdContext) {
  const { leader, commitIndex, appliedIndex, term, role } = raft.status();
  const { sizeBytes } = kv.status();
  const alarms = kv.alarms().map(({ memberId, alarm }) => `memberID:${memberId} alarm:${alarmNames[alarm]} `);
  return {
    header: header(),
    version,
    dbSize: sizeBytes,
    dbSizeInUse: sizeBytes,
    leader: leader === undefined ? 0n : idOf(leader),
    raftIndex: commitIndex,
    raftAppliedIndex: appliedIndex,
    raftTerm: term,
    errors: leader === undefined ? ["etcdserver: no leader", ...alarms] : alarms,
    isLearner: role === "learner",
  };
}

/** Blobs as fast as the client takes them. */
const snapshot = ({ kv, header, onFault }: EtcdContext): Streaming => ({
  open(call) {
    let room = (): void => {};
    const pour = async (): Promise<void> => {
      const { chunks, sizeBytes } = kv.snapshot();
      let remainingBytes = sizeBytes;
      for await (const blob of chunks) {
        if (call.isClosed) return;
        remainingBytes = Math.max(0, remainingBytes - blob.length);
        const hasRoom = call.send(messages.snapshotResponse.encode({ header: header(), remainingBytes, blob }));
        if (!hasRoom)
          await new Promise<void>((resolve) => {
            room = resolve;
          });
      }
      call.end(grpc.ok, "");
    };
    return {
      message() {},
      ended() {
        pour().catch((error: unknown) => refuseCall(call, error, onFault));
      },
      drained: () => room(),
      closed: () => room(),
    };
  },
});
