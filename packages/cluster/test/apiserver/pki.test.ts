import { createPublicKey, sign, verify, X509Certificate } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { parse } from "yaml";
import { kubeconfig } from "../../src/apiserver/kubeconfig.ts";
import { openPki } from "../../src/apiserver/pki/pki.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "coracle-pki-"));
});
afterEach(() => rm(dir, { recursive: true }));

it("issues a certificate for every name of the API server, signed by the cluster's authority", async () => {
  const pki = await openPki({ addresses: ["127.9.0.1"] });
  const certificate = new X509Certificate(pki.certificatePem);
  const authority = new X509Certificate(pki.caPem);
  expect(certificate.verify(authority.publicKey)).toBe(true);
  expect(authority.ca).toBe(true);
  expect(certificate.ca).toBe(false);
  for (const address of ["127.0.0.1", "127.9.0.1"]) expect(certificate.checkIP(address)).toBe(address);
  for (const host of ["localhost", "kubernetes", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"]) {
    expect(certificate.checkHost(host)).toBe(host);
  }
  const signature = sign("sha256", Buffer.from("x"), pki.tokenKey);
  expect(verify("sha256", Buffer.from("x"), createPublicKey(pki.tokenKey), signature)).toBe(true);
});

it("keeps its files to itself and uses them again", async () => {
  const pkiDir = join(dir, "pki");
  const first = await openPki({ dir: pkiDir });
  for (const file of await readdir(pkiDir)) expect((await stat(join(pkiDir, file))).mode & 0o777).toBe(0o600);
  const second = await openPki({ dir: pkiDir });
  const plain = { tokenKey: 0, tokenPublicKey: 0, issue: 0, issueClient: 0 };
  expect({ ...second, ...plain }).toEqual({ ...first, ...plain });
  expect(second.tokenKey.equals(first.tokenKey)).toBe(true);
  const further = new X509Certificate(second.issue(["web.test", "127.8.0.2"]).certificatePem);
  expect(further.verify(new X509Certificate(first.caPem).publicKey)).toBe(true);
  expect([further.checkHost("web.test"), further.checkIP("127.8.0.2")]).toEqual(["web.test", "127.8.0.2"]);
});

it("issues the serving certificate anew for a new address, under the same authority", async () => {
  const first = await openPki({ dir });
  const second = await openPki({ dir, addresses: ["127.8.0.1"] });
  expect(second.caPem).toBe(first.caPem);
  expect(second.certificatePem).not.toBe(first.certificatePem);
  expect(new X509Certificate(second.certificatePem).checkIP("127.8.0.1")).toBe("127.8.0.1");
  expect(await readFile(join(dir, "apiserver.crt"), "utf8")).toBe(second.certificatePem);
});

it("writes a kubeconfig whose context is current", () => {
  const config = parse(kubeconfig({ url: "https://127.0.0.1:1", caPem: "pem", token: "t" }));
  expect(config).toMatchObject({
    "current-context": "coracle",
    contexts: [{ name: "coracle", context: { cluster: "coracle", user: "coracle" } }],
    clusters: [{ cluster: { server: "https://127.0.0.1:1", "certificate-authority-data": "cGVt" } }],
    users: [{ user: { token: "t" } }],
  });
});
