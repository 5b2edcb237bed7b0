/** Webhooks and policies, asked over real connections. */
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { ApiObject } from "../../src/machinery/types.ts";
import { type Client, clientOf } from "./client.ts";
import { type Fixture, startFixture } from "./fixture.ts";

const base = "/apis/admissionregistration.k8s.io/v1";
const configMaps = "/api/v1/namespaces/default/configmaps";
const rules = [
  { apiGroups: [""], apiVersions: ["v1"], resources: ["configmaps"], operations: ["CREATE", "UPDATE", "DELETE"] },
];

let fixture: Fixture;
let client: Client;
let server: Server;
let asked: ApiObject[];
let answer: (request: ApiObject) => ApiObject;

beforeAll(async () => {
  fixture = await startFixture();
  client = clientOf(fixture);
  const { certificatePem: cert, keyPem: key } = fixture.pki.issue(["localhost", "hooks.default.svc"]);
  server = createServer({ cert, key }, (request, response) => {
    let text = "";
    request.on("data", (chunk) => {
      text += chunk;
    });
    request.on("end", () => {
      const review = JSON.parse(text);
      asked.push(review.request);
      response.setHeader("content-type", "application/json");
      const reply = { uid: review.request.uid, ...answer(review.request) };
      response.end(JSON.stringify({ apiVersion: review.apiVersion, kind: "AdmissionReview", response: reply }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});

beforeEach(() => {
  asked = [];
  answer = () => ({ allowed: true });
});

afterEach(async () => {
  const kinds = ["validatingwebhookconfigurations", "mutatingwebhookconfigurations"];
  const policies = ["validatingadmissionpolicybindings", "validatingadmissionpolicies"];
  for (const path of [...[...kinds, ...policies].map((kind) => `${base}/${kind}`), configMaps]) await erase(path);
});

afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await fixture.stop();
});

const post = (path: string, body: ApiObject) => client("POST", path, { body });
const erase = (path: string) => client("DELETE", path);
const caBundle = () => Buffer.from(fixture.pki.caPem).toString("base64");

async function register(kind: "Mutating" | "Validating", hook: ApiObject = {}): Promise<void> {
  const url = `https://localhost:${(server.address() as AddressInfo).port}/review`;
  const webhook = {
    name: "judge.example.com",
    clientConfig: { url, caBundle: caBundle() },
    rules,
    admissionReviewVersions: ["v1"],
    sideEffects: "None",
    ...hook,
  };
  const body = { metadata: { name: kind.toLowerCase() }, webhooks: [webhook] };
  const { status } = await post(`${base}/${kind.toLowerCase()}webhookconfigurations`, body);
  expect(status).toBe(201);
}

const map = (name: string, data: ApiObject = {}) => ({ metadata: { name }, data });
const patchOf = (...operations: ApiObject[]) => ({
  allowed: true,
  patchType: "JSONPatch",
  patch: Buffer.from(JSON.stringify(operations)).toString("base64"),
});

describe("a validating webhook", () => {
  it("is told who wants what, and its refusal is the answer", async () => {
    await register("Validating");
    answer = () => ({ allowed: false, status: { code: 403, reason: "Forbidden", message: "not on Fridays" } });
    const { status, body } = await post(configMaps, map("a", { k: "v" }));
    expect([status, body.reason, body.message]).toEqual([
      403,
      "Forbidden",
      'admission webhook "judge.example.com" denied the request: not on Fridays',
    ]);
    expect(asked).toMatchObject([
      {
        operation: "CREATE",
        name: "a",
        namespace: "default",
        kind: { group: "", version: "v1", kind: "ConfigMap" },
        resource: { group: "", version: "v1", resource: "configmaps" },
        userInfo: { username: "kubernetes-admin" },
        object: { kind: "ConfigMap", data: { k: "v" } },
        oldObject: null,
        dryRun: false,
      },
    ]);
    expect(fixture.store.get("configmaps", "default", "a")).toBeUndefined();
  });

  it("refuses without explanation, with a code that is no success", async () => {
    await register("Validating");
    answer = () => ({ allowed: false });
    const { status, body } = await post(configMaps, map("a"));
    expect([status, body.message]).toEqual([
      400,
      'admission webhook "judge.example.com" denied the request without explanation',
    ]);
  });

  it("sees changes and deletions with what was there, those of the cluster's own parts too", async () => {
    await register("Validating");
    await post(configMaps, map("a", { k: "1" }));
    await client("PATCH", `${configMaps}/a`, {
      body: { data: { k: "2" } },
      headers: { "content-type": "application/merge-patch+json" },
    });
    await fixture.store.modify(
      "configmaps",
      "default",
      "a",
      (draft) => void Object.assign(draft, { data: { k: "3" } }),
      {
        fieldManager: "some-controller",
      },
    );
    await erase(`${configMaps}/a`);
    expect(asked.map(({ operation, object, oldObject }) => [operation, object?.data.k, oldObject?.data.k])).toEqual([
      ["CREATE", "1", undefined],
      ["UPDATE", "2", "1"],
      ["UPDATE", "3", "2"],
      ["DELETE", undefined, "3"],
    ]);
    expect(asked[2]?.userInfo.username).toBe("system:serviceaccount:kube-system:some-controller");
  });

  it("is asked again when the object changed while it thought", async () => {
    await register("Validating");
    await post(configMaps, map("a", { n: "0" }));
    const adding = async () => {
      await fixture.store.modify("configmaps", "default", "a", (draft) => {
        draft.data = { n: String(Number(draft.data?.n) + 1) };
      });
    };
    await Promise.all(Array.from({ length: 5 }, adding));
    expect(fixture.store.get("configmaps", "default", "a")?.data).toEqual({ n: "5" });
  });

  it("is passed over where it says so, and missed where it doesn't", async () => {
    const clientConfig = { service: { name: "nobody", namespace: "default" } };
    await register("Validating", { clientConfig, failurePolicy: "Ignore" });
    expect((await post(configMaps, map("a"))).status).toBe(201);
    await erase(`${base}/validatingwebhookconfigurations/validating`);
    await register("Validating", { clientConfig });
    const { status, body } = await post(configMaps, map("b"));
    expect([status, body.message]).toEqual([
      500,
      'Internal error occurred: failed calling webhook "judge.example.com": failed to call webhook: service "nobody" not found',
    ]);
  });

  it("is not asked about other kinds, namespaces, labels, or where its conditions do not hold", async () => {
    await register("Validating", {
      objectSelector: { matchLabels: { judged: "yes" } },
      matchConditions: [{ name: "big", expression: "size(object.data) > 1" }],
    });
    const labels = { judged: "yes" };
    await post("/api/v1/namespaces/default/secrets", { metadata: { name: "s", labels } });
    await post(configMaps, map("unlabelled", { a: "1", b: "2" }));
    await post(configMaps, { metadata: { name: "small", labels }, data: { a: "1" } });
    await post(configMaps, { metadata: { name: "big", labels }, data: { a: "1", b: "2" } });
    expect(asked.map(({ name }) => name)).toEqual(["big"]);
  });

  it("answers for another request to no avail", async () => {
    await register("Validating");
    answer = () => ({ uid: "another", allowed: true });
    const { status, body } = await post(configMaps, map("a"));
    expect([status, body.message]).toEqual([500, expect.stringContaining("expected response.uid=")]);
  });
});

describe("a mutating webhook", () => {
  it("changes what is stored, and what the next one sees", async () => {
    await register("Mutating");
    await register("Validating");
    answer = ({ object }) =>
      object.data?.added
        ? { allowed: true, warnings: ["seen"] }
        : patchOf({ op: "add", path: "/data/added", value: "1" });
    const { status, body, headers } = await post(configMaps, map("a", { k: "v" }));
    expect([status, body.data]).toEqual([201, { k: "v", added: "1" }]);
    expect(headers.warning).toContain("seen");
    expect(asked.map(({ object }) => object.data.added)).toEqual([undefined, "1"]);
  });

  it("can't make an object that would be refused", async () => {
    await register("Mutating");
    answer = () => patchOf({ op: "add", path: "/data/bad~1key", value: "1" });
    const { status, body } = await post(configMaps, map("a", { k: "v" }));
    expect([status, body.message]).toEqual([422, expect.stringContaining("data[bad/key]: Invalid value")]);
  });

  it("with a patch that does not apply is at fault itself", async () => {
    await register("Mutating");
    answer = () => patchOf({ op: "remove", path: "/nothing" });
    expect((await post(configMaps, map("a"))).status).toBe(500);
  });

  it("changes a dry run too, and nothing is kept", async () => {
    await register("Mutating");
    answer = () => patchOf({ op: "add", path: "/data/added", value: "1" });
    const { body } = await post(`${configMaps}?dryRun=All`, map("a", { k: "v" }));
    expect(body.data).toEqual({ k: "v", added: "1" });
    expect(asked[0]?.dryRun).toBe(true);
    expect(fixture.store.get("configmaps", "default", "a")).toBeUndefined();
  });
});

describe("a policy", () => {
  const policy = (validation: ApiObject, fields: ApiObject = {}) => ({
    metadata: { name: "few" },
    spec: { matchConstraints: { resourceRules: rules }, validations: [validation], ...fields },
  });
  const bind = (...validationActions: string[]) => ({
    metadata: { name: "few-binding" },
    spec: { policyName: "few", validationActions },
  });
  const enforce = async (what: ApiObject, binding: ApiObject = bind("Deny")) => {
    expect((await post(`${base}/validatingadmissionpolicies`, what)).status).toBe(201);
    expect((await post(`${base}/validatingadmissionpolicybindings`, binding)).status).toBe(201);
  };

  it("refuses in its own words once it is bound", async () => {
    await post(`${base}/validatingadmissionpolicies`, policy({ expression: "size(object.data) < 2" }));
    expect((await post(configMaps, map("before", { a: "1", b: "2" }))).status).toBe(201);
    await post(`${base}/validatingadmissionpolicybindings`, bind("Deny"));
    const { status, body } = await post(configMaps, map("a", { a: "1", b: "2" }));
    expect([status, body.reason, body.message]).toEqual([
      422,
      "Invalid",
      `configmaps "a" is forbidden: ValidatingAdmissionPolicy 'few' with binding 'few-binding' denied request: failed expression: size(object.data) < 2`,
    ]);
    expect((await post(configMaps, map("b", { a: "1" }))).status).toBe(201);
  });

  it("warns where its binding says so", async () => {
    await enforce(policy({ expression: "size(object.data) < 2", message: "too much" }), bind("Warn"));
    const { status, headers } = await post(configMaps, map("a", { a: "1", b: "2" }));
    expect(status).toBe(201);
    expect(headers.warning).toContain(
      "Validation failed for ValidatingAdmissionPolicy 'few' with binding 'few-binding': too much",
    );
  });

  it("has variables, parameters and the request", async () => {
    await post(configMaps, map("limits", { most: "1" }));
    const variables = [{ name: "most", expression: "int(params.data.most)" }];
    const expression = "request.operation != 'CREATE' || size(object.data) <= variables.most";
    await enforce(policy({ expression }, { variables, paramKind: { apiVersion: "v1", kind: "ConfigMap" } }), {
      ...bind("Deny"),
      spec: { ...bind("Deny").spec, paramRef: { name: "limits", parameterNotFoundAction: "Deny" } },
    });
    expect((await post(configMaps, map("a", { a: "1", b: "2" }))).status).toBe(422);
    expect((await post(configMaps, map("b", { a: "1" }))).status).toBe(201);
    expect((await erase(`${configMaps}/b`)).status).toBe(200);
  });

  it("that is no expression is refused itself", async () => {
    const { status, body } = await post(`${base}/validatingadmissionpolicies`, policy({ expression: "1 +" }));
    expect([status, body.message]).toEqual([
      422,
      expect.stringContaining("spec.validations[0].expression: Invalid value"),
    ]);
  });
});
