/** etcd's messages for members. */
import { bool, many, one, text, texts, uid } from "./fields.ts";
import { header } from "./kv.ts";
import { message } from "./message.ts";

export const member = message("etcdserverpb.Member", {
  id: uid(1),
  name: text(2),
  peerUrls: texts(3),
  clientUrls: texts(4),
  isLearner: bool(5),
});
const members = { header: one(1, () => header), members: many(2, () => member) };

export const memberAddRequest = message("etcdserverpb.MemberAddRequest", { peerUrls: texts(1), isLearner: bool(2) });
export const memberAddResponse = message("etcdserverpb.MemberAddResponse", {
  header: one(1, () => header),
  member: one(2, () => member),
  members: many(3, () => member),
});
export const memberRemoveRequest = message("etcdserverpb.MemberRemoveRequest", { id: uid(1) });
export const memberRemoveResponse = message("etcdserverpb.MemberRemoveResponse", members);
export const memberUpdateRequest = message("etcdserverpb.MemberUpdateRequest", { id: uid(1), peerUrls: texts(2) });
export const memberUpdateResponse = message("etcdserverpb.MemberUpdateResponse", members);
export const memberListRequest = message("etcdserverpb.MemberListRequest", { linearizable: bool(1) });
export const memberListResponse = message("etcdserverpb.MemberListResponse", members);
export const memberPromoteRequest = message("etcdserverpb.MemberPromoteRequest", { id: uid(1) });
export const memberPromoteResponse = message("etcdserverpb.MemberPromoteResponse", members);
