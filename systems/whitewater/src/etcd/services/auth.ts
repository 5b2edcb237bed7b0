/** etcdserverpb.Auth: there are no users and roles here (TLS client certificates and NetworkPolicy decide who may connect), and each call says so. */
import { type Refusal, refuse } from "../../kv/refusals.ts";
import { bool, one } from "../../proto/fields.ts";
import { header as headerMessage } from "../../proto/kv.ts";
import { message } from "../../proto/message.ts";
import type { EtcdContext } from "../context.ts";
import { type Method, type Unary, unary } from "../grpc.ts";

const statusRequest = message("etcdserverpb.AuthStatusRequest", {});
const statusResponse = message("etcdserverpb.AuthStatusResponse", {
  header: one(1, () => headerMessage),
  enabled: bool(2),
});

const others = [
  "Authenticate",
  "UserAdd",
  "UserGet",
  "UserList",
  "UserDelete",
  "UserChangePassword",
  "UserGrantRole",
  "UserRevokeRole",
  "RoleAdd",
  "RoleGet",
  "RoleList",
  "RoleDelete",
  "RoleGrantPermission",
  "RoleRevokePermission",
] as const;

const refusing = (refusal: Refusal): Unary => ({
  run: async () => {
    throw refuse(refusal);
  },
});

export const authMethods = ({ header }: EtcdContext): readonly (readonly [string, Method])[] => [
  [
    "/etcdserverpb.Auth/AuthStatus",
    unary(statusRequest, statusResponse, async () => ({ header: header(), enabled: false })),
  ],
  ["/etcdserverpb.Auth/AuthEnable", refusing("root-user-not-exist")],
  ["/etcdserverpb.Auth/AuthDisable", refusing("auth-not-enabled")],
  ...others.map((name) => [`/etcdserverpb.Auth/${name}`, refusing("auth-not-enabled")] as const),
];
