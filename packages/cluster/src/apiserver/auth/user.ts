/** Users, as authentication knows them. */
import type { Author } from "../../machinery/store.ts";

export type UserInfo = Author;

const serviceAccountPrefix = "system:serviceaccount:";
const authenticated = "system:authenticated";

/** Belongs to `system:masters`, which is allowed everything before RBAC is asked. */
export const adminUser: UserInfo = { username: "kubernetes-admin", groups: ["system:masters", authenticated] };

export const anonymousUser: UserInfo = { username: "system:anonymous", groups: ["system:unauthenticated"] };

export const serviceAccountUsername = (namespace: string, name: string): string =>
  `${serviceAccountPrefix}${namespace}:${name}`;

export const serviceAccountGroups = (namespace: string): string[] => [
  "system:serviceaccounts",
  `system:serviceaccounts:${namespace}`,
];

/** The service account behind a user name; undefined for other users. */
export function parseServiceAccount(username: string): { namespace: string; name: string } | undefined {
  if (!username.startsWith(serviceAccountPrefix)) return undefined;
  const [namespace, name, ...rest] = username.slice(serviceAccountPrefix.length).split(":");
  return namespace && name && rest.length === 0 ? { namespace, name } : undefined;
}

/** `groups` with `system:authenticated`, which every known user belongs to. */
export const withAuthenticated = (groups: readonly string[]): readonly string[] =>
  groups.includes(authenticated) ? groups : [...groups, authenticated];
