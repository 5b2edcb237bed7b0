import { StatusError } from "../../machinery/errors.ts";
import type { UserInfo } from "./user.ts";

/** What a request wants to do, in RBAC's words. */
export interface ResourceAttributes {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
}

export interface PathAttributes {
  readonly verb: string;
  readonly path: string;
}

export type Attributes = ResourceAttributes | PathAttributes;

export interface Decision {
  readonly isAllowed: boolean;
  /** Why it is allowed; when denied, what went wrong while rules were looked up, usually nothing. */
  readonly reason: string;
}

export interface Authorizer {
  decide(user: UserInfo, attributes: Attributes): Decision;
}

export const isPath = (attributes: Attributes): attributes is PathAttributes => "path" in attributes;

/** The resource with its subresource, as rules name it: `pods/log`. */
export const combinedResource = ({ resource, subresource }: ResourceAttributes): string =>
  subresource === "" ? resource : `${resource}/${subresource}`;

/** The refusal in Kubernetes' words. */
export function forbidden(user: UserInfo, attributes: Attributes, reason = ""): StatusError {
  const suffix = reason === "" ? "" : `: ${reason}`;
  if (isPath(attributes)) {
    return new StatusError("Forbidden", `forbidden: ${describePath(user, attributes)}${suffix}`, {});
  }
  const { group, resource, name } = attributes;
  const qualified = group === "" ? resource : `${resource}.${group}`;
  const subject = name === "" ? qualified : `${qualified} "${name}"`;
  return new StatusError("Forbidden", `${subject} is forbidden: ${describeResource(user, attributes)}${suffix}`, {
    ...(name !== "" && { name }),
    ...(group !== "" && { group }),
    kind: resource,
  });
}

const describePath = (user: UserInfo, { verb, path }: PathAttributes): string =>
  `User "${user.username}" cannot ${verb} path "${path}"`;

function describeResource(user: UserInfo, attributes: ResourceAttributes): string {
  const { verb, group, namespace } = attributes;
  const scope = namespace === "" ? "at the cluster scope" : `in the namespace "${namespace}"`;
  return `User "${user.username}" cannot ${verb} resource "${combinedResource(attributes)}" in API group "${group}" ${scope}`;
}
