import type { RequestInfo } from "../http/request-info.ts";
import { type Attributes, type Authorizer, forbidden } from "./attributes.ts";
import type { UserInfo } from "./user.ts";

/** Throws Forbidden unless `user` may do what the request asks for. */
export function authorize(authorizer: Authorizer, user: UserInfo, info: RequestInfo, verb = info.verb): void {
  const attributes = attributesOf(info, verb);
  const { isAllowed, reason } = authorizer.decide(user, attributes);
  if (!isAllowed) throw forbidden(user, attributes, reason);
}

function attributesOf(info: RequestInfo, verb: string): Attributes {
  if (!info.isResource) return { verb, path: info.path };
  const { group, resource, subresource, namespace } = info;
  return { verb, group, resource, subresource, namespace, name: info.name || selectedName(info) };
}

const exactName = "metadata.name=";

/** A list or watch of one object by its name is authorized for that name. */
function selectedName({ verb, query }: RequestInfo): string {
  if (query.size === 0 || (verb !== "list" && verb !== "watch")) return "";
  const selector = query.get("fieldSelector");
  return selector?.startsWith(exactName) && !selector.includes(",") ? selector.slice(exactName.length) : "";
}
