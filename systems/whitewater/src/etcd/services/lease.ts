/** etcdserverpb.Lease */
import { failureOf } from "../../kv/failure.ts";
import { grpc } from "../../kv/refusals.ts";
import {
  leaseGrantRequest,
  leaseGrantResponse,
  leaseKeepAliveRequest,
  leaseKeepAliveResponse,
  leaseLeasesRequest,
  leaseLeasesResponse,
  leaseRevokeRequest,
  leaseRevokeResponse,
  leaseTimeToLiveRequest,
  leaseTimeToLiveResponse,
} from "../../proto/lease.ts";
import type { EtcdContext } from "../context.ts";
import { type Method, refuseCall, type Streaming, unary } from "../grpc.ts";
import { guarded } from "./leader-guard.ts";

/** Renewals of one stream that wait for the log. A client sends one for each lease every few seconds. */
const mostPending = 10_000;

export function leaseMethods(context: EtcdContext): readonly (readonly [string, Method])[] {
  const { kv, header } = context;
  return [
    [
      "/etcdserverpb.Lease/LeaseGrant",
      unary(leaseGrantRequest, leaseGrantResponse, async (request) => {
        const { id, ttl, header: at } = await kv.leaseGrant(request);
        return { header: header(at.revision), id, ttl };
      }),
    ],
    [
      "/etcdserverpb.Lease/LeaseRevoke",
      unary(leaseRevokeRequest, leaseRevokeResponse, async ({ id }) => {
        const at = await kv.leaseRevoke(id);
        return { header: header(at.revision) };
      }),
    ],
    ["/etcdserverpb.Lease/LeaseKeepAlive", guarded(context, keepAlive(context))],
    [
      "/etcdserverpb.Lease/LeaseTimeToLive",
      unary(leaseTimeToLiveRequest, leaseTimeToLiveResponse, async ({ id, keys: withKeys }) => {
        const { ttl, grantedTtl, keys, header: at } = await kv.leaseTimeToLive(id, withKeys);
        return { header: header(at.revision), id, ttl, grantedTtl, keys };
      }),
    ],
    [
      "/etcdserverpb.Lease/LeaseLeases",
      unary(leaseLeasesRequest, leaseLeasesResponse, async () => {
        const { ids, header: at } = await kv.leases();
        return { header: header(at.revision), leases: ids.map((id) => ({ id })) };
      }),
    ],
  ];
}

const keepAlive = ({ kv, header, onFault }: EtcdContext): Streaming => ({
  open(call) {
    let pending = 0;
    let hasEnded = false;
    const finish = (): void => {
      if (hasEnded && pending === 0) call.end(grpc.ok, "");
    };
    const renew = async (body: Buffer): Promise<void> => {
      const { id } = leaseKeepAliveRequest.decode(body);
      const { ttl, header: at } = await kv.leaseKeepAlive(id);
      call.send(leaseKeepAliveResponse.encode({ header: header(at.revision), id, ttl }));
    };
    return {
      message(body) {
        if (pending >= mostPending) {
          call.end(grpc.exhausted, "etcdserver: too many requests");
          return;
        }
        pending++;
        renew(body)
          .catch((error: unknown) => refuseCall(call, failureOf(error), onFault))
          .finally(() => {
            pending--;
            finish();
          });
      },
      ended() {
        hasEnded = true;
        finish();
      },
      closed() {},
    };
  },
});
