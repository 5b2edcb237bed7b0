/** etcd's messages for leases. */
import { bool, id, int, keys, many, one, text } from "./fields.ts";
import { header } from "./kv.ts";
import { message } from "./message.ts";

export const leaseGrantRequest = message("etcdserverpb.LeaseGrantRequest", { ttl: int(1), id: id(2) });
export const leaseGrantResponse = message("etcdserverpb.LeaseGrantResponse", {
  header: one(1, () => header),
  id: id(2),
  ttl: int(3),
  error: text(4),
});
export const leaseRevokeRequest = message("etcdserverpb.LeaseRevokeRequest", { id: id(1) });
export const leaseRevokeResponse = message("etcdserverpb.LeaseRevokeResponse", { header: one(1, () => header) });
export const leaseKeepAliveRequest = message("etcdserverpb.LeaseKeepAliveRequest", { id: id(1) });
export const leaseKeepAliveResponse = message("etcdserverpb.LeaseKeepAliveResponse", {
  header: one(1, () => header),
  id: id(2),
  ttl: int(3),
});
export const leaseTimeToLiveRequest = message("etcdserverpb.LeaseTimeToLiveRequest", { id: id(1), keys: bool(2) });
export const leaseTimeToLiveResponse = message("etcdserverpb.LeaseTimeToLiveResponse", {
  header: one(1, () => header),
  id: id(2),
  ttl: int(3),
  grantedTtl: int(4),
  keys: keys(5),
});
export const leaseStatus = message("etcdserverpb.LeaseStatus", { id: id(1) });
export const leaseLeasesRequest = message("etcdserverpb.LeaseLeasesRequest", {});
export const leaseLeasesResponse = message("etcdserverpb.LeaseLeasesResponse", {
  header: one(1, () => header),
  leases: many(2, () => leaseStatus),
});
