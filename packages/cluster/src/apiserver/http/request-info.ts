/** What a request's method and address mean, as Kubernetes reads them. Pure; no regular expressions, since every request passes here. */
import { StatusError } from "../../machinery/errors.ts";

export interface RequestInfo {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** RBAC's verb for resources, the lower-case method for other paths. */
  readonly verb: string;
  readonly isResource: boolean;
  readonly group: string;
  readonly version: string;
  /** Of the address; for a namespace itself its own name. */
  readonly namespace: string;
  readonly resource: string;
  readonly name: string;
  readonly subresource: string;
  /** What follows the subresource, for proxies. */
  readonly rest: string;
}

const noQuery = new URLSearchParams();
const verbs: Readonly<Record<string, string>> = {
  POST: "create",
  GET: "get",
  HEAD: "get",
  PUT: "update",
  PATCH: "patch",
  DELETE: "delete",
};
const namespaceSubresources = new Set(["status", "finalize"]);

/** Throws BadRequest for an address that is not decodable. */
export function parseRequest(method: string, url: string): RequestInfo {
  const mark = url.indexOf("?");
  const path = mark < 0 ? url : url.slice(0, mark);
  const query = mark < 0 ? noQuery : new URLSearchParams(url.slice(mark + 1));
  const parts = decodeParts(path);
  const isCore = parts[0] === "api";
  const depth = isCore ? 2 : 3;
  if ((!isCore && parts[0] !== "apis") || parts.length <= depth) return pathInfo(method, path, query);
  const group = isCore ? "" : (parts[1] ?? "");
  const version = parts[depth - 1] ?? "";
  return { method, path, query, isResource: true, group, version, ...locate(parts, depth, method, query) };
}

function decodeParts(path: string): string[] {
  const parts = path.split("/");
  parts.shift();
  if (parts.at(-1) === "") parts.pop();
  if (!path.includes("%")) return parts;
  try {
    return parts.map(decodeURIComponent);
  } catch {
    throw new StatusError("BadRequest", `invalid URL escape in ${JSON.stringify(path)}`);
  }
}

const pathInfo = (method: string, path: string, query: URLSearchParams): RequestInfo => ({
  method,
  path,
  query,
  verb: method.toLowerCase(),
  isResource: false,
  group: "",
  version: "",
  namespace: "",
  resource: "",
  name: "",
  subresource: "",
  rest: "",
});

/** Finds resource, name and subresource in `parts` after the first `start`. */
function locate(parts: readonly string[], start: number, method: string, query: URLSearchParams) {
  let at = start;
  let namespace = "";
  if (parts[at] === "namespaces" && parts.length > at + 1) {
    namespace = parts[at + 1] ?? "";
    const next = parts[at + 2];
    if (next !== undefined && !namespaceSubresources.has(next)) at += 2;
  }
  const name = parts[at + 1] ?? "";
  return {
    verb: verbOf(method, name, query),
    namespace,
    resource: parts[at] ?? "",
    name,
    subresource: parts[at + 2] ?? "",
    rest: parts.slice(at + 3).join("/"),
  };
}

function verbOf(method: string, name: string, query: URLSearchParams): string {
  const verb = verbs[method] ?? method.toLowerCase();
  if (name !== "") return verb;
  if (verb === "get") return isTrue(query.get("watch")) ? "watch" : "list";
  return verb === "delete" ? "deletecollection" : verb;
}

/** A boolean of a query as Go parses it; a parameter without a value is true. */
export const isTrue = (value: string | null): boolean =>
  value !== null && !["0", "f", "F", "false", "False", "FALSE"].includes(value);
