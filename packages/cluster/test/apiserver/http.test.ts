import { randomUUID } from "node:crypto";
import { connect } from "node:tls";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Client, clientOf } from "./client.ts";
import { type Fixture, startFixture } from "./fixture.ts";

let fixture: Fixture;
let call: Client;
beforeAll(async () => {
  fixture = await startFixture();
  call = clientOf(fixture);
});
afterAll(() => fixture.stop());

const maps = "/api/v1/namespaces/default/configmaps";
const newMap = async (data: Record<string, string> = { a: "b" }) => {
  const name = `m-${randomUUID()}`;
  const { body } = await call("POST", maps, { body: { metadata: { name }, data } });
  return { name, path: `${maps}/${name}`, body };
};

describe("verbs", () => {
  it("creates, reads, replaces, patches and deletes", async () => {
    const { name, path, body } = await newMap();
    expect(body).toMatchObject({ kind: "ConfigMap", apiVersion: "v1", metadata: { name }, data: { a: "b" } });
    expect((await call("GET", path)).body).toEqual(body);
    const replaced = await call("PUT", path, { body: { ...body, data: { a: "c" } } });
    expect(replaced.body).toMatchObject({ data: { a: "c" } });
    const stale = await call("PUT", path, { body });
    expect(stale).toMatchObject({ status: 409, body: { reason: "Conflict" } });
    const patched = await call("PATCH", path, {
      body: { data: { a: null, d: "e" } },
      headers: { "content-type": "application/merge-patch+json" },
    });
    expect(patched.body.data).toEqual({ d: "e" });
    const gone = await call("DELETE", path);
    expect(gone).toMatchObject({ status: 200, body: { status: "Success", details: { name, kind: "configmaps" } } });
    expect((await call("GET", path)).body).toMatchObject({
      kind: "Status",
      code: 404,
      reason: "NotFound",
      message: `configmaps "${name}" not found`,
      details: { name, kind: "configmaps" },
    });
  });

  it("answers a creation with 201 and a dry run without keeping anything", async () => {
    const body = { metadata: { name: "dry" } };
    expect((await call("POST", `${maps}?dryRun=All`, { body })).status).toBe(201);
    expect((await call("GET", `${maps}/dry`)).status).toBe(404);
    expect((await call("POST", maps, { body })).status).toBe(201);
    expect((await call("POST", maps, { body })).body).toMatchObject({ code: 409, reason: "AlreadyExists" });
  });

  it("takes YAML", async () => {
    const yaml = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: from-yaml}\ndata: {k: v}\n";
    const made = await call("POST", maps, { body: yaml, headers: { "content-type": "application/yaml" } });
    expect(made).toMatchObject({ status: 201, body: { data: { k: "v" } } });
  });

  it("lists in pages and says how many are left", async () => {
    await call("POST", "/api/v1/namespaces", { body: { metadata: { name: "paged" } } });
    const path = "/api/v1/namespaces/paged/configmaps";
    for (const name of ["a", "b", "c"]) await call("POST", path, { body: { metadata: { name } } });
    const first = await call("GET", `${path}?limit=2`);
    expect(first.body).toMatchObject({ kind: "ConfigMapList", metadata: { remainingItemCount: 1 } });
    const { continue: token } = first.body.metadata as { continue?: string };
    const second = await call("GET", `${path}?limit=2&continue=${encodeURIComponent(token ?? "")}`);
    expect(second.body.items.map((item: { metadata: { name: string } }) => item.metadata.name)).toEqual(["c"]);
    const removed = await call("DELETE", path);
    expect(removed.body.items).toHaveLength(3);
    expect((await call("GET", path)).body.items).toEqual([]);
  });

  it("compresses long lists for those who take it", async () => {
    await newMap({ long: "x".repeat(200_000) });
    const response = await call.open(maps, { headers: { "accept-encoding": "gzip" } });
    expect(response.headers["content-encoding"]).toBe("gzip");
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    expect(JSON.parse(gunzipSync(Buffer.concat(chunks)).toString()).kind).toBe("ConfigMapList");
  });

  it("evaluates reviews without keeping them", async () => {
    const spec = { resourceAttributes: { verb: "list", resource: "pods", namespace: "default" }, user: "jane" };
    const review = await call("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", { body: { spec } });
    expect(review).toMatchObject({ status: 201, body: { kind: "SubjectAccessReview", status: { allowed: false } } });
  });
});

describe("who may ask", () => {
  it("nobody without a token, except for health and version", async () => {
    expect((await call("GET", "/api", { token: null })).body).toMatchObject({ code: 401, reason: "Unauthorized" });
    expect((await call("GET", "/api", { token: "wrong" })).body).toMatchObject({ code: 401, message: "Unauthorized" });
    expect((await call("GET", "/healthz", { token: "wrong" })).status).toBe(401);
    for (const path of ["/healthz", "/livez", "/readyz", "/version"]) {
      expect((await call("GET", path, { token: null })).status).toBe(200);
    }
  });

  it.each(["", " ", "Basic x"])("the authorization %j is no token", async (authorization) => {
    const { status } = await call("GET", "/api", { token: null, headers: { authorization } });
    expect(status).toBe(401);
  });

  it("an empty bearer token is nobody's", async () => {
    const { status } = await call("GET", "/api", { token: null, headers: { authorization: "Bearer " } });
    expect(status).toBe(401);
  });

  it("a service account may do what its roles say", async () => {
    const { token } = await fixture.tokens.issueToken({ namespace: "default", serviceAccount: "default" });
    const refused = await call("GET", maps, { token });
    expect(refused.body).toMatchObject({
      code: 403,
      reason: "Forbidden",
      message:
        'configmaps is forbidden: User "system:serviceaccount:default:default" cannot list resource "configmaps" in API group "" in the namespace "default"',
      details: { kind: "configmaps" },
    });
    await fixture.store.create("rolebindings.rbac.authorization.k8s.io", {
      metadata: { name: "viewers", namespace: "default" },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "view" },
      subjects: [{ kind: "ServiceAccount", name: "default", namespace: "default" }],
    });
    expect((await call("GET", maps, { token })).status).toBe(200);
    expect((await call("POST", maps, { token, body: {} })).status).toBe(403);
    expect((await call("GET", "/metrics", { token })).body.message).toContain('cannot get path "/metrics"');
  });

  it("an impersonator is whom it says, if it may", async () => {
    const headers = { "impersonate-user": "jane", "impersonate-group": ["dev", "ops"] };
    const review = await call("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", { headers, body: {} });
    expect(review.status).toBe(201); // system:authenticated may ask who it is
    expect(review.body.status.userInfo).toEqual({
      username: "jane",
      groups: ["dev", "ops", "system:authenticated"],
    });
    const { token } = await fixture.tokens.issueToken({ namespace: "default", serviceAccount: "default" });
    const refused = await call("GET", maps, { token, headers: { "impersonate-user": "jane" } });
    expect(refused.body.message).toBe(
      'users "jane" is forbidden: User "system:serviceaccount:default:default" cannot impersonate resource "users" in API group "" at the cluster scope',
    );
  });
});

describe("refusals", () => {
  const cases: [
    what: string,
    method: string,
    path: string,
    options: Parameters<Client>[2],
    status: number,
    message: string,
  ][] = [
    ["an unknown route", "GET", "/nothing", {}, 404, "the server could not find the requested resource"],
    [
      "an unknown resource",
      "GET",
      "/api/v1/namespaces/default/widgets",
      {},
      404,
      "the server could not find the requested resource",
    ],
    ["an unknown group", "GET", "/apis/x.org/v1/widgets", {}, 404, "the server could not find the requested resource"],
    ["an unknown subresource", "GET", `${maps}/x/what`, {}, 404, "the server could not find the requested resource"],
    [
      "a method that is not served",
      "POST",
      "/api/v1/configmaps",
      { body: {} },
      405,
      "the server does not allow this method on the requested resource",
    ],
    [
      "a method of paths",
      "POST",
      "/version",
      { body: {} },
      405,
      "the server does not allow this method on the requested resource",
    ],
    [
      "a broken JSON",
      "POST",
      maps,
      { body: '{"kind": nope}' },
      400,
      "the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind; json parse error: invalid character 'o' in literal null (expecting 'u') ({\"kind\": nope})",
    ],
    [
      "half a JSON",
      "POST",
      maps,
      { body: '{"kind":"ConfigMap","metadata":{"name":"a"' },
      400,
      'the object provided is unrecognized (must be of type ConfigMap): couldn\'t get version/kind; json parse error: unexpected end of JSON input ({"kind":"ConfigMap","metadata" ...)',
    ],
    [
      "no body",
      "POST",
      maps,
      { body: "" },
      400,
      "the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind; json parse error: unexpected end of JSON input (<empty>)",
    ],
    [
      "a body that is no object",
      "POST",
      maps,
      { body: "[]" },
      400,
      "the object provided is unrecognized (must be of type ConfigMap)",
    ],
    [
      "a body of another kind",
      "POST",
      maps,
      { body: { kind: "Pod", apiVersion: "v1" } },
      400,
      'Pod in version "v1" cannot be handled as a ConfigMap',
    ],
    [
      "a body for another namespace",
      "POST",
      maps,
      { body: { metadata: { name: "x", namespace: "other" } } },
      400,
      "the namespace of the provided object does not match the namespace sent on the request",
    ],
    [
      "an unknown body type",
      "POST",
      maps,
      { body: "x", headers: { "content-type": "text/plain" } },
      415,
      "the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf",
    ],
    [
      "an unknown patch type",
      "PATCH",
      `${maps}/x`,
      { body: {} },
      415,
      "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json, application/apply-patch+yaml",
    ],
    [
      "an answer type that is not served",
      "GET",
      maps,
      { headers: { accept: "text/html" } },
      406,
      "only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf",
    ],
    [
      "an apply without a manager",
      "PATCH",
      `${maps}/x`,
      { body: "{}", headers: { "content-type": "application/apply-patch+yaml" } },
      422,
      'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
    ],
    [
      "a dry run of something else",
      "POST",
      `${maps}?dryRun=Some`,
      { body: {} },
      422,
      'CreateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: "Some": supported values: "All"',
    ],
    ["an undecodable address", "GET", "/api/v1/namespaces/%ZZ/pods", {}, 400, "invalid URL escape"],
  ];
  it.each(cases)("%s", async (_what, method, path, options, status, message) => {
    const answer = await call(method, path, options);
    expect(answer).toMatchObject({ status, body: { kind: "Status", status: "Failure", code: status } });
    expect(answer.body.message).toContain(message);
  });

  it("a body over the limit, whether or not it says so", async () => {
    const declared = await call("POST", maps, { body: "x", headers: { "content-length": String(4 << 20) } }).catch(
      (error) => error,
    );
    expect(declared).toMatchObject({ status: 413, body: { reason: "RequestEntityTooLarge" } });
    const chunked = await call("POST", maps, {
      body: Buffer.alloc((3 << 20) + 1, 0x20),
      headers: { "transfer-encoding": "chunked" },
    });
    expect(chunked).toMatchObject({ status: 413, body: { reason: "RequestEntityTooLarge" } });
  });

  it("bytes that are no HTTP end that connection only", async () => {
    const { port } = fixture.server;
    await new Promise<void>((resolve) => {
      const socket = connect({ port, host: "127.0.0.1", ca: fixture.pki.caPem }, () =>
        socket.write("nonsense\r\n\r\n"),
      );
      socket.on("close", () => resolve());
      socket.on("error", () => undefined);
      socket.resume();
    });
    expect((await call("GET", "/healthz")).status).toBe(200);
  });
});

describe("discovery", () => {
  it("lists what is served, in both forms", async () => {
    const core = await call("GET", "/api/v1");
    const names = core.body.resources.map(({ name }: { name: string }) => name);
    expect(names).toEqual(
      expect.arrayContaining(["pods", "pods/log", "pods/exec", "pods/eviction", "serviceaccounts/token"]),
    );
    const groups = await call("GET", "/apis");
    expect(groups.body.groups.map(({ name }: { name: string }) => name)).toContain("apps");
    const accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";
    const aggregated = await call("GET", "/apis", { headers: { accept } });
    expect(aggregated.headers["content-type"]).toBe(
      "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
    );
    const apps = aggregated.body.items.find(({ metadata }: { metadata: { name: string } }) => metadata.name === "apps");
    const deployments = apps.versions[0].resources.find(
      ({ resource }: { resource: string }) => resource === "deployments",
    );
    expect(deployments).toMatchObject({
      scope: "Namespaced",
      shortNames: ["deploy"],
      subresources: expect.arrayContaining([
        expect.objectContaining({
          subresource: "scale",
          responseKind: { group: "autoscaling", version: "v1", kind: "Scale" },
        }),
      ]),
    });
    expect((await call("GET", "/apis/apps")).body).toMatchObject({
      kind: "APIGroup",
      preferredVersion: { version: "v1" },
    });
  });

  it("describes the kinds with schemas", async () => {
    const index = await call("GET", "/openapi/v3");
    expect(Object.keys(index.body.paths)).toEqual(expect.arrayContaining(["api/v1", "apis/apps/v1"]));
    const { body } = await call("GET", "/openapi/v3/apis/apps/v1");
    const { schemas } = body.components;
    expect(schemas["io.k8s.api.apps.v1.Deployment"]).toMatchObject({
      "x-kubernetes-group-version-kind": [{ group: "apps", version: "v1", kind: "Deployment" }],
      properties: { spec: { allOf: [{ $ref: "#/components/schemas/io.k8s.api.apps.v1.DeploymentSpec" }] } },
    });
    expect(schemas["io.k8s.api.apps.v1.DeploymentSpec"].required).toEqual(["selector", "template"]);
    expect(body.paths["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"].patch.parameters).toContainEqual(
      expect.objectContaining({ name: "fieldValidation" }),
    );
  });
});

describe("forms", () => {
  const accept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

  it("a table of one and of many", async () => {
    const { name, path } = await newMap();
    const one = await call("GET", path, { headers: { accept } });
    expect(one.body).toMatchObject({ kind: "Table", apiVersion: "meta.k8s.io/v1" });
    expect(one.body.rows[0].cells.slice(0, 2)).toEqual([name, 1]);
    expect(one.body.rows[0].object).toMatchObject({ kind: "PartialObjectMetadata", metadata: { name } });
    const many = await call("GET", `${maps}?includeObject=None`, { headers: { accept } });
    expect(many.body.columnDefinitions.map((column: { name: string }) => column.name)).toEqual(["Name", "Data", "Age"]);
    expect(many.body.rows[0].object).toBeNull();
  });

  it("metadata alone", async () => {
    const { path } = await newMap();
    const { body } = await call("GET", path, {
      headers: { accept: "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io" },
    });
    expect(Object.keys(body).sort()).toEqual(["apiVersion", "kind", "metadata"]);
  });

  it("JSON for those who would like protobuf", async () => {
    const { path } = await newMap();
    const { headers } = await call("GET", path, { headers: { accept: "application/vnd.kubernetes.protobuf" } });
    expect(headers["content-type"]).toBe("application/json");
  });
});

it("counts requests", async () => {
  await call("GET", `${maps}/none`);
  const { text } = await call("GET", "/metrics");
  expect(text).toContain('apiserver_request_total{verb="get",resource="configmaps",code="404"}');
});
