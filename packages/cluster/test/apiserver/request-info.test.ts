import { describe, expect, it } from "vitest";
import { parseRequest } from "../../src/apiserver/http/request-info.ts";

const cases: [request: string, meaning: Record<string, unknown>][] = [
  [
    "GET /api/v1/namespaces/a/pods",
    { verb: "list", group: "", version: "v1", namespace: "a", resource: "pods", name: "" },
  ],
  ["GET /api/v1/pods?watch=1", { verb: "watch", namespace: "", resource: "pods" }],
  ["GET /api/v1/pods?watch", { verb: "watch" }],
  ["GET /api/v1/pods?watch=false", { verb: "list" }],
  ["GET /api/v1/namespaces/a/pods/p?watch=1", { verb: "get", name: "p" }],
  ["GET /api/v1/namespaces/a/pods/p/log", { verb: "get", name: "p", subresource: "log" }],
  ["POST /apis/apps/v1/namespaces/a/deployments", { verb: "create", group: "apps", resource: "deployments" }],
  ["PUT /apis/apps/v1/namespaces/a/deployments/d/scale", { verb: "update", name: "d", subresource: "scale" }],
  ["DELETE /api/v1/namespaces/a/pods", { verb: "deletecollection", resource: "pods" }],
  ["DELETE /api/v1/namespaces/a", { verb: "delete", resource: "namespaces", name: "a", namespace: "a" }],
  ["PUT /api/v1/namespaces/a/finalize", { resource: "namespaces", name: "a", subresource: "finalize" }],
  ["GET /api/v1/namespaces", { verb: "list", resource: "namespaces", namespace: "" }],
  ["GET /api/v1/namespaces/a/pods/a%2Fb", { name: "a/b" }],
  ["GET /api/v1/namespaces/a/services/s/proxy/x/y", { subresource: "proxy", rest: "x/y" }],
  ["GET /apis/apps/v1", { isResource: false, path: "/apis/apps/v1", verb: "get" }],
  ["GET /api/v1/", { isResource: false }],
  ["POST /healthz", { isResource: false, verb: "post" }],
];

describe("parseRequest", () => {
  it.each(cases)("reads %s", (request, meaning) => {
    const [method = "", url = ""] = request.split(" ");
    expect(parseRequest(method, url)).toMatchObject(meaning);
  });

  it("refuses an address that can't be decoded", () => {
    expect(() => parseRequest("GET", "/api/v1/namespaces/%E0%A4%A/pods")).toThrow(/invalid URL escape/);
  });
});
