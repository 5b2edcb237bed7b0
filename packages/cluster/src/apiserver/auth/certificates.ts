/** Users by client certificate: the subject's common name is the user, its organizations are the groups. */
import type { Socket } from "node:net";
import type { PeerCertificate, TLSSocket } from "node:tls";
import { type UserInfo, withAuthenticated } from "./user.ts";

/** A connection keeps its certificate; reading it each time would cost as much as a small request. */
const known = new WeakMap<Socket, UserInfo>();

/** Undefined without a certificate of the cluster's authority. */
export function certifiedUser(socket: Socket): UserInfo | undefined {
  const { authorized, getPeerCertificate } = socket as TLSSocket;
  if (authorized !== true || getPeerCertificate === undefined) return undefined;
  const user = known.get(socket) ?? userOf((socket as TLSSocket).getPeerCertificate());
  if (user) known.set(socket, user);
  return user;
}

/** Server certificates of the same authority are nobody's. */
function userOf({ subject, ext_key_usage: usages = [] }: PeerCertificate): UserInfo | undefined {
  const [username] = [subject?.CN ?? []].flat();
  if (!username || !usages.includes("1.3.6.1.5.5.7.3.2")) return undefined;
  return { username, groups: withAuthenticated([subject.O ?? []].flat()) };
}
