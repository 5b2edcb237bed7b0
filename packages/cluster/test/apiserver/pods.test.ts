import { PassThrough } from "node:stream";
import { connect } from "node:tls";
import type { Pod } from "kubernetes-types/core/v1.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { PodStreamContext } from "../../src/apiserver/context.ts";
import { takeOne } from "../../src/apiserver/pods/eviction.ts";
import { logOptions } from "../../src/apiserver/pods/log.ts";
import { type Client, clientOf } from "./client.ts";
import { type Fixture, idleKubelet, startFixture } from "./fixture.ts";

let fixture: Fixture;
let call: Client;
const streams: PodStreamContext[] = [];
const follow = { log: new PassThrough(), isAborted: Promise.resolve() };

beforeAll(async () => {
  fixture = await startFixture({
    podStreams(context) {
      streams.push(context);
      context.socket.end("HTTP/1.1 101 Switching Protocols\r\n\r\n");
    },
    kubelet: {
      ...idleKubelet,
      async logs(pod, options, signal) {
        if (!options.follow) return idleKubelet.logs(pod, options, signal);
        follow.isAborted = new Promise((resolve) => signal.addEventListener("abort", () => resolve()));
        return follow.log;
      },
    },
  });
  call = clientOf(fixture);
  await fixture.store.create("pods", newPod("p"));
  await fixture.store.modify(
    "pods",
    "default",
    "p",
    (pod) => {
      Object.assign(pod, { status: ready });
    },
    { subresource: "status" },
  );
});
afterAll(() => fixture.stop());

const newPod = (name: string): Pod => ({
  metadata: { name, namespace: "default", labels: { app: "x" } },
  spec: { nodeName: "n", containers: [{ name: "main", image: "i" }] },
});
const ready = { phase: "Running", conditions: [{ type: "Ready", status: "True" }] };
const pods = "/api/v1/namespaces/default/pods";

describe("log", () => {
  it("is text", async () => {
    const { status, text, headers } = await call("GET", `${pods}/p/log`);
    expect([status, text, headers["content-type"]]).toEqual([200, "one\ntwo\n", "text/plain"]);
  });

  it("goes on while the client stays, and no longer", async () => {
    const response = await call.open(`${pods}/p/log?follow=true`);
    const line = new Promise((resolve) => response.once("data", (chunk) => resolve(String(chunk))));
    follow.log.write("later\n");
    expect(await line).toBe("later\n");
    response.destroy();
    await follow.isAborted;
  });

  const pod = (containers: string[], init: string[] = []): Pod => ({
    metadata: { name: "p" },
    spec: { containers: containers.map((name) => ({ name })), initContainers: init.map((name) => ({ name })) },
  });
  it.each([
    [pod(["a"]), "", { container: "a", follow: false }],
    [
      pod(["a", "b"]),
      "container=b&tailLines=3&previous=true&timestamps",
      { container: "b", tailLines: 3, previous: true, timestamps: true },
    ],
    [pod(["a"], ["i"]), "container=i", { container: "i" }],
  ])("reads options %#", (object, query, options) => {
    expect(logOptions(new URLSearchParams(query), object)).toMatchObject(options);
  });
  it.each([
    [
      pod(["a", "b"], ["i", "j"]),
      "",
      "a container name must be specified for pod p, choose one of: [a b] or one of the init containers: [i j]",
    ],
    [pod(["a"]), "container=z", "container z is not valid for pod p"],
    [
      pod(["a"]),
      "tailLines=-1",
      'PodLogOptions "p" is invalid: tailLines: Invalid value: -1: must be greater than or equal to 0',
    ],
    [
      pod(["a"]),
      "sinceSeconds=0",
      'PodLogOptions "p" is invalid: sinceSeconds: Invalid value: 0: must be greater than 0',
    ],
    [pod(["a"]), "tailLines=x", 'strconv.ParseInt: parsing "x": invalid syntax'],
  ])("refuses options %#", (object, query, message) => {
    expect(() => logOptions(new URLSearchParams(query), object)).toThrow(message);
  });
});

describe("eviction", () => {
  const budget = (allowed: number, observedGeneration = 1) => ({
    metadata: { name: "b", generation: 1 },
    status: { observedGeneration, disruptionsAllowed: allowed, currentHealthy: 2, desiredHealthy: 2, expectedPods: 3 },
  });

  it("takes from the budget what it allows", () => {
    const object = budget(1);
    takeOne(object, "p", 0);
    expect(object.status).toMatchObject({ disruptionsAllowed: 0, disruptedPods: { p: "1970-01-01T00:00:00Z" } });
    expect(() => takeOne(budget(1, 0), "p", 0)).toThrow(
      "Cannot evict pod as it would violate the pod's disruption budget.",
    );
  });

  it("is refused while the budget is spent, and deletes the pod otherwise", async () => {
    await fixture.store.create("pods", newPod("e"));
    await fixture.store.modify("pods", "default", "e", (pod) => void Object.assign(pod, { status: ready }), {
      subresource: "status",
    });
    const pdb = await fixture.store.create("poddisruptionbudgets.policy", {
      metadata: { name: "b", namespace: "default" },
      spec: { minAvailable: 2, selector: { matchLabels: { app: "x" } } },
    });
    const allow = (disruptionsAllowed: number) =>
      fixture.store.modify(
        "poddisruptionbudgets.policy",
        "default",
        "b",
        (draft) => {
          Object.assign(draft, {
            status: {
              disruptionsAllowed,
              currentHealthy: 2,
              desiredHealthy: 2,
              expectedPods: 2,
              observedGeneration: pdb.metadata.generation ?? 0,
            },
          });
        },
        { subresource: "status" },
      );
    await allow(0);
    const body = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name: "e", namespace: "default" } };
    const refused = await call("POST", `${pods}/e/eviction`, { body });
    expect(refused.body).toMatchObject({
      code: 429,
      reason: "TooManyRequests",
      details: {
        causes: [
          { reason: "DisruptionBudget", message: "The disruption budget b needs 2 healthy pods and has 2 currently" },
        ],
      },
    });
    await allow(1);
    expect(await call("POST", `${pods}/e/eviction`, { body })).toMatchObject({
      status: 201,
      body: { status: "Success" },
    });
    expect(fixture.store.get("pods", "default", "e")?.metadata.deletionTimestamp).toBeDefined();
    expect(fixture.store.get("poddisruptionbudgets.policy", "default", "b")?.status?.disruptionsAllowed).toBe(0);
  });
});

describe("streams", () => {
  /** Sends a request that wants to leave HTTP, and resolves with the first line of the answer. */
  const upgrade = (request: string, token = fixture.pki.adminToken) =>
    new Promise<string>((resolve, reject) => {
      const socket = connect({ port: fixture.server.port, host: "127.0.0.1", ca: fixture.pki.caPem }, () =>
        socket.write(
          `${request} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n`,
        ),
      );
      let text = "";
      socket.on("data", (chunk) => {
        text += String(chunk);
      });
      socket.on("end", () => resolve(text));
      socket.on("error", reject);
    });

  it("are handed over with what was asked, by POST and by GET", async () => {
    expect(await upgrade(`POST ${pods}/p/exec?command=ls&command=-l&stdin=true`)).toMatch(/^HTTP\/1.1 101/);
    expect(await upgrade(`GET ${pods}/p/portforward`)).toMatch(/^HTTP\/1.1 101/);
    expect(streams.map(({ subresource, pod }) => [subresource, pod])).toEqual([
      ["exec", { namespace: "default", name: "p" }],
      ["portforward", { namespace: "default", name: "p" }],
    ]);
    expect(streams[0]?.query.getAll("command")).toEqual(["ls", "-l"]);
  });

  it("are refused as other requests are", async () => {
    expect(await upgrade(`POST ${pods}/gone/exec`)).toMatch(/^HTTP\/1.1 404[\s\S]*pods \\"gone\\" not found/);
    expect(await upgrade(`POST ${pods}/p/log`)).toMatch(/^HTTP\/1.1 404/);
    expect(await upgrade(`POST ${pods}/p/exec`, "wrong")).toMatch(/^HTTP\/1.1 401/);
    expect((await call("POST", `${pods}/p/exec`, { body: {} })).body).toMatchObject({
      code: 400,
      message: "Upgrade request required",
    });
  });

  it("by WebSocket need the permission to create, not only to read", async () => {
    const rbac = "rbac.authorization.k8s.io";
    await fixture.store.create(`roles.${rbac}`, {
      metadata: { name: "peek", namespace: "default" },
      rules: [{ apiGroups: [""], resources: ["pods/exec"], verbs: ["get"] }],
    });
    await fixture.store.create(`rolebindings.${rbac}`, {
      metadata: { name: "peek", namespace: "default" },
      roleRef: { apiGroup: rbac, kind: "Role", name: "peek" },
      subjects: [{ kind: "ServiceAccount", name: "default", namespace: "default" }],
    });
    const { token } = await fixture.tokens.issueToken({ namespace: "default", serviceAccount: "default" });
    expect(await upgrade(`GET ${pods}/p/exec?command=ls`, token)).toMatch(
      /403[\s\S]*cannot create resource \\"pods\/exec\\"/,
    );
  });
});

it("an error of the server's own is told to the client in one line, and reported whole", async () => {
  const reported: unknown[] = [];
  const broken = new TypeError("x is not a function");
  const usage = async () => {
    throw broken;
  };
  const other = await startFixture({ report: (error) => reported.push(error), kubelet: { ...idleKubelet, usage } });
  await other.store.create("pods", newPod("p"));
  const { body } = await clientOf(other)("GET", "/apis/metrics.k8s.io/v1beta1/pods");
  expect(body).toMatchObject({
    code: 500,
    reason: "InternalError",
    message: "Internal error occurred: x is not a function",
  });
  expect(reported).toEqual([broken]);
  await other.stop();
});

describe("other subresources", () => {
  it("a token for a service account", async () => {
    const path = "/api/v1/namespaces/default/serviceaccounts/default/token";
    const made = await call("POST", path, { body: { spec: { expirationSeconds: 600 } } });
    expect(made.status).toBe(201);
    expect(fixture.tokens.authenticate(made.body.status.token)?.user.username).toBe(
      "system:serviceaccount:default:default",
    );
    const short = await call("POST", path, { body: { spec: { expirationSeconds: 5 } } });
    expect(short.body.message).toContain(
      "spec.expirationSeconds: Invalid value: 5: may not specify a duration less than 10 minutes",
    );
    const review = await call("POST", "/apis/authentication.k8s.io/v1/tokenreviews", {
      body: { spec: { token: made.body.status.token } },
    });
    expect(review.body.status).toMatchObject({
      authenticated: true,
      user: { username: "system:serviceaccount:default:default" },
    });
  });

  it("a binding puts a pod on a node, once", async () => {
    const { spec, ...rest } = newPod("unbound");
    await fixture.store.create("pods", { ...rest, spec: { containers: spec?.containers ?? [] } });
    const body = { target: { kind: "Node", name: "n1" } };
    expect((await call("POST", `${pods}/unbound/binding`, { body })).status).toBe(201);
    expect(fixture.store.get("pods", "default", "unbound")?.spec?.nodeName).toBe("n1");
    expect((await call("POST", `${pods}/unbound/binding`, { body })).body).toMatchObject({
      code: 409,
      message: expect.stringContaining('already assigned to node "n1"'),
    });
  });

  it("a scale reads and sets replicas by every way of writing", async () => {
    await fixture.store.create("statefulsets.apps", {
      metadata: { name: "s", namespace: "default" },
      spec: {
        replicas: 2,
        serviceName: "s",
        selector: { matchLabels: { app: "s" } },
        template: { metadata: { labels: { app: "s" } }, spec: { containers: [{ name: "c", image: "i" }] } },
      },
    });
    const path = "/apis/apps/v1/namespaces/default/statefulsets/s/scale";
    const { body } = await call("GET", path);
    expect(body).toMatchObject({
      kind: "Scale",
      apiVersion: "autoscaling/v1",
      spec: { replicas: 2 },
      status: { selector: "app=s" },
    });
    const put = await call("PUT", path, { body: { ...body, spec: { replicas: 3 } } });
    expect(put).toMatchObject({ status: 200, body: { spec: { replicas: 3 } } });
    expect((await call("PUT", path, { body: { ...body, spec: { replicas: 4 } } })).body).toMatchObject({
      code: 409,
      reason: "Conflict",
    });
    const patched = await call("PATCH", path, {
      body: { spec: { replicas: 0 } },
      headers: { "content-type": "application/merge-patch+json" },
    });
    expect(patched.status).toBe(200);
    expect(fixture.store.get("statefulsets.apps", "default", "s")?.spec?.replicas).toBe(0);
    const negative = await call("PUT", path, { body: { spec: { replicas: -1 } } });
    expect(negative.body).toMatchObject({
      code: 422,
      message: expect.stringContaining("must be greater than or equal to 0"),
    });
  });

  it("metrics of pods, as the kubelet measures them", async () => {
    const { body } = await call("GET", "/apis/metrics.k8s.io/v1beta1/namespaces/default/pods/p");
    expect(body).toMatchObject({
      kind: "PodMetrics",
      containers: [{ name: "main", usage: { cpu: "12000000n", memory: "20480Ki" } }],
    });
  });
});
