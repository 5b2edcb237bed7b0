import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { StatusError } from "../../machinery/errors.ts";
import { type Authorizer, forbidden, type ResourceAttributes } from "./attributes.ts";
import { certifiedUser } from "./certificates.ts";
import type { Tokens } from "./tokens.ts";
import { anonymousUser, parseServiceAccount, serviceAccountGroups, type UserInfo, withAuthenticated } from "./user.ts";

/** Paths that need no token. */
const publicPaths = ["/healthz", "/livez", "/readyz", "/version", "/version/"];
const bearer = "bearer ";
const websocketBearer = "base64url.bearer.authorization.k8s.io.";

/** The user of a request, after impersonation. Throws Unauthorized or Forbidden. */
export function authenticate(
  { headers, socket }: Pick<IncomingMessage, "headers" | "socket">,
  path: string,
  tokens: Tokens,
  authorizer: Authorizer,
): UserInfo {
  const token = bearerToken(headers);
  const user = certifiedUser(socket) ?? (token === undefined ? undefined : tokens.authenticate(token)?.user);
  if (user === undefined) {
    if (token === undefined && isPublic(path)) return anonymousUser;
    throw unauthorized();
  }
  return headers["impersonate-user"] === undefined
    ? refuseStray(headers, user)
    : impersonate(headers, user, authorizer);
}

const isPublic = (path: string): boolean => publicPaths.includes(path);

const unauthorized = () => new StatusError("Unauthorized", "Unauthorized");

/** From the Authorization header, or from the WebSocket subprotocol that browsers have to use instead. */
function bearerToken(headers: IncomingHttpHeaders): string | undefined {
  const { authorization } = headers;
  if (authorization !== undefined) {
    return authorization.slice(0, bearer.length).toLowerCase() === bearer
      ? authorization.slice(bearer.length).trim()
      : "";
  }
  const offered = headers["sec-websocket-protocol"]?.split(",").find((name) => name.trim().startsWith(websocketBearer));
  return offered && Buffer.from(offered.trim().slice(websocketBearer.length), "base64url").toString();
}

function refuseStray(headers: IncomingHttpHeaders, user: UserInfo): UserInfo {
  if (headers["impersonate-group"] === undefined && headers["impersonate-uid"] === undefined) return user;
  const message = "requested [{Group}] without impersonating a user";
  throw new StatusError("InternalError", `Internal error occurred: ${message}`);
}

function impersonate(headers: IncomingHttpHeaders, user: UserInfo, authorizer: Authorizer): UserInfo {
  const wanted = impersonated(headers);
  for (const attributes of impersonationChecks(wanted)) {
    const { isAllowed, reason } = authorizer.decide(user, attributes);
    if (!isAllowed) throw forbidden(user, attributes, reason);
  }
  const account = parseServiceAccount(wanted.username);
  const groups =
    wanted.groups.length > 0 || account === undefined ? wanted.groups : serviceAccountGroups(account.namespace);
  const isAnonymous = wanted.username === anonymousUser.username;
  return { ...wanted, groups: isAnonymous ? anonymousUser.groups : withAuthenticated(groups) };
}

function impersonated(headers: IncomingHttpHeaders): UserInfo {
  const uid = single(headers["impersonate-uid"]);
  const extra: Record<string, string[]> = {};
  for (const [header, value] of Object.entries(headers)) {
    if (!header.startsWith("impersonate-extra-")) continue;
    extra[decodeURIComponent(header.slice("impersonate-extra-".length))] = values(value);
  }
  return {
    username: single(headers["impersonate-user"]) ?? "",
    ...(uid !== undefined && { uid }),
    groups: values(headers["impersonate-group"]),
    ...(Object.keys(extra).length > 0 && { extra }),
  };
}

const single = (value: string | string[] | undefined): string | undefined => (Array.isArray(value) ? value[0] : value);

/** Node joins a repeated header with ", ". */
const values = (value: string | string[] | undefined): string[] =>
  value === undefined ? [] : (Array.isArray(value) ? value : value.split(",")).map((part) => part.trim());

function* impersonationChecks(wanted: UserInfo): Generator<ResourceAttributes> {
  const account = parseServiceAccount(wanted.username);
  const base = { verb: "impersonate", group: "", subresource: "", namespace: "" };
  if (account !== undefined) yield { ...base, resource: "serviceaccounts", ...account };
  else yield { ...base, resource: "users", name: wanted.username };
  for (const name of wanted.groups) yield { ...base, resource: "groups", name };
  const authentication = { ...base, group: "authentication.k8s.io" };
  if (wanted.uid !== undefined) yield { ...authentication, resource: "uids", name: wanted.uid };
  for (const [key, entries] of Object.entries(wanted.extra ?? {})) {
    for (const name of entries) yield { ...authentication, resource: "userextras", subresource: key, name };
  }
}
