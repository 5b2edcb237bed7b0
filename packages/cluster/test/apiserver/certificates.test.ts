import { request as httpsRequest } from "node:https";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readCertificateRequest } from "../../src/machinery/certificates/request.ts";
import type { ApiObject } from "../../src/machinery/types.ts";
import { type Client, clientOf } from "./client.ts";
import { type Fixture, startFixture } from "./fixture.ts";

/** Made by `openssl req -new`; the key signs nothing but what these tests make. */
const key = `-----BEGIN EC PRIVATE KEY-----
MHcCAQEEILEUCo2iY8DLBOR6gGeQ8B8LIMvsHkPbhDD1etkMBLs+oAoGCCqGSM49
AwEHoUQDQgAEod8qIzhBgJTQNXn7n8LurgJim87/m6iK6n9nq0qi1yfJt5tGCNqb
zNDYMm8EiMXAvSRxgbu54p0nwEJuIxEMfQ==
-----END EC PRIVATE KEY-----`;
const jane = `-----BEGIN CERTIFICATE REQUEST-----
MIHaMIGAAgEAMB4xDTALBgNVBAoMBGRldnMxDTALBgNVBAMMBGphbmUwWTATBgcq
hkjOPQIBBggqhkjOPQMBBwNCAASh3yojOEGAlNA1efufwu6uAmKbzv+bqIrqf2er
SqLXJ8m3m0YI2pvM0NgybwSIxcC9JHGBu7ninSfAQm4jEQx9oAAwCgYIKoZIzj0E
AwIDSQAwRgIhAOM6ya8gQ4TLCu75nczHXIdIOnwADs/1YHIOZsZ1poKgAiEA9TlQ
jd9z3A+tcNTc3fqVJOHcgSruP7SMnlOE7c8fa10=
-----END CERTIFICATE REQUEST-----`;
const highest = `-----BEGIN CERTIFICATE REQUEST-----
MIHkMIGKAgEAMCgxFzAVBgNVBAoMDnN5c3RlbTptYXN0ZXJzMQ0wCwYDVQQDDARy
b290MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEod8qIzhBgJTQNXn7n8LurgJi
m87/m6iK6n9nq0qi1yfJt5tGCNqbzNDYMm8EiMXAvSRxgbu54p0nwEJuIxEMfaAA
MAoGCCqGSM49BAMCA0kAMEYCIQCcoo+00oykG19WPC1B2DN/uQp2/4ZdpF3PKWoR
I7tVpQIhANOU+zZRO5zWvuZweg3OXH7vzjQy8IBQHwzBWPX+MQiG
-----END CERTIFICATE REQUEST-----`;

const requests = "/apis/certificates.k8s.io/v1/certificatesigningrequests";
const signerName = "kubernetes.io/kube-apiserver-client";

const asking = (name: string, pem: string, spec: object = {}) => ({
  apiVersion: "certificates.k8s.io/v1",
  kind: "CertificateSigningRequest",
  metadata: { name },
  spec: { request: Buffer.from(pem).toString("base64"), signerName, usages: ["client auth"], ...spec },
});

describe("certificate signing requests", () => {
  let fixture: Fixture;
  let client: Client;
  beforeAll(async () => {
    fixture = await startFixture();
    client = clientOf(fixture);
  });
  afterAll(() => fixture.stop());

  const approve = (object: ApiObject, options = {}) => {
    const conditions = [{ type: "Approved", status: "True", reason: "KubectlApprove", message: "yes" }];
    const path = `${requests}/${object.metadata?.name}/approval`;
    return client("PUT", path, { body: { ...object, status: { conditions } }, ...options });
  };

  const issued = async (name: string): Promise<string> => {
    const found = () => fixture.store.get("certificatesigningrequests.certificates.k8s.io", "", name);
    await expect.poll(() => found()?.status?.certificate, { timeout: 10_000 }).toBeDefined();
    return Buffer.from(found()?.status?.certificate ?? "", "base64").toString();
  };

  /** Who the server takes the holder of a certificate for. */
  const whoIs = (cert: string): Promise<ApiObject> =>
    new Promise((resolve, reject) => {
      const url = `${fixture.server.url}/apis/authentication.k8s.io/v1/selfsubjectreviews`;
      const headers = { "content-type": "application/json" };
      const outgoing = httpsRequest(url, { method: "POST", ca: fixture.pki.caPem, cert, key, agent: false, headers });
      outgoing.on("error", reject);
      outgoing.on("response", (response) => {
        let text = "";
        response.on("data", (chunk) => {
          text += chunk;
        });
        response.on("end", () => resolve(JSON.parse(text)));
      });
      outgoing.end(JSON.stringify({ apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" }));
    });

  it("signs what was approved, and knows its holder", async () => {
    const created = await client("POST", requests, { body: asking("jane", jane, { username: "somebody else" }) });
    expect(created.body.spec.username).toBe("kubernetes-admin");
    expect((await approve(created.body)).status).toBe(200);
    const review = await whoIs(await issued("jane"));
    expect(review.status.userInfo).toEqual({ username: "jane", groups: ["devs", "system:authenticated"] });
  });

  it("leaves what others sign to them, and what was asked as it is", async () => {
    const { body } = await client("POST", requests, { body: asking("other", jane, { signerName: "example.com/x" }) });
    const changed = { ...body, spec: { ...body.spec, signerName } };
    expect((await client("PUT", `${requests}/other`, { body: changed })).body.spec.signerName).toBe("example.com/x");
    const { body: approved } = await approve(body);
    expect(approved.status).toMatchObject({ conditions: [{ type: "Approved" }] });
    expect(approved.status.certificate).toBeUndefined();
  });

  it("refuses what is no request, what was changed after signing, and the highest group", async () => {
    const refused = async (pem: string) => (await client("POST", requests, { body: asking("no", pem) })).body.message;
    expect(await refused("junk")).toContain("spec.request: Invalid value");
    const bytes = Buffer.from(jane.split("\n").slice(1, -1).join(""), "base64");
    bytes.write("jake", bytes.indexOf("jane"));
    const forged = `-----BEGIN CERTIFICATE REQUEST-----\n${bytes.toString("base64")}\n-----END CERTIFICATE REQUEST-----`;
    expect(await refused(forged)).toContain("spec.request: Invalid value");
    expect(await refused(highest)).toBe(
      `certificatesigningrequests.certificates.k8s.io "no" is forbidden: use of ${signerName} signer with system:masters group is not allowed`,
    );
  });

  it("lets nobody approve who may not approve for the signer", async () => {
    const rules = [
      { apiGroups: ["certificates.k8s.io"], resources: ["certificatesigningrequests/approval"], verbs: ["update"] },
    ];
    const rbac = "/apis/rbac.authorization.k8s.io/v1";
    await client("POST", `${rbac}/clusterroles`, { body: { metadata: { name: "almost" }, rules } });
    const subjects = [{ kind: "User", name: "bob", apiGroup: "rbac.authorization.k8s.io" }];
    const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "almost" };
    await client("POST", `${rbac}/clusterrolebindings`, { body: { metadata: { name: "almost" }, subjects, roleRef } });
    const { body } = await client("POST", requests, { body: asking("late", jane) });
    const answer = await approve(body, { headers: { "impersonate-user": "bob" } });
    expect(answer.status).toBe(403);
    expect(answer.body.message).toContain(`user not permitted to approve requests with signerName "${signerName}"`);
  });

  it("reads any bytes without failing, and takes nothing for signed that was not", () => {
    const bytes = Buffer.from(jane.split("\n").slice(1, -1).join(""), "base64");
    for (let at = 0; at < bytes.length; at += 1) {
      const broken = Buffer.from(bytes);
      broken[at] = (broken[at] ?? 0) ^ 0xff;
      const cut = bytes.subarray(0, at);
      for (const each of [broken, cut]) {
        const pem = `-----BEGIN CERTIFICATE REQUEST-----\n${each.toString("base64")}\n-----END CERTIFICATE REQUEST-----`;
        expect(["jane", undefined]).toContain(readCertificateRequest(pem)?.commonName);
      }
    }
  });
});
