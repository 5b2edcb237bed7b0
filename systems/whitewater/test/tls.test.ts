/** Mutual TLS between members: with a certificate of the cluster's CA one is a member, with another's or none one is not. */
import { execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { afterEach, beforeEach, expect, it } from "vitest";
import { program } from "../../../scripts/testing/programs.ts";
import { ask, askJson } from "../src/cli/client.ts";
import type { ClusterAnswer } from "../src/cli/text.ts";
import { ProcessGroup } from "../src/testing/process-group.ts";

const hasOpenssl = program("openssl") !== undefined;
const etcdctl = program("etcdctl");

let dir: string;
let group: ProcessGroup | undefined;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "whitewater-"));
});
afterEach(async () => {
  await group?.[Symbol.asyncDispose]();
  await rm(dir, { recursive: true, force: true });
});

const openssl = (...args: string[]) => execFileSync("openssl", args, { cwd: dir, stdio: "ignore" });
const CURVE = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

function certificates(): void {
  openssl("req", "-x509", ...CURVE, "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=ca", "-days", "2");
  openssl(
    "req",
    ...CURVE,
    "-keyout",
    "member.key",
    "-out",
    "member.csr",
    "-subj",
    "/CN=member",
    "-addext",
    "subjectAltName=IP:127.0.0.1",
  );
  const sign = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-copy_extensions", "copy", "-days", "2"];
  openssl("x509", "-req", "-in", "member.csr", ...sign, "-out", "member.crt");
}

/** The same key, another certificate. */
function renew(): void {
  const sign = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-copy_extensions", "copy", "-days", "3"];
  openssl("x509", "-req", "-in", "member.csr", ...sign, "-out", "member.crt");
}

/** Serial number of the certificate that is shown there. */
function serialAt(address: string): Promise<string> {
  const [host = "", port] = address.split(":");
  return new Promise((resolve, reject) => {
    const socket = connect(
      { host, port: Number(port), rejectUnauthorized: false, ALPNProtocols: ["h2", "http/1.1"] },
      () => {
        resolve(socket.getPeerCertificate().serialNumber);
        socket.destroy();
      },
    );
    socket.on("error", reject);
  });
}

it.runIf(hasOpenssl)(
  "forms a cluster of members with certificates, serves clients by TLS, lets nobody else be a member, and takes up renewed ones",
  async () => {
    certificates();
    const caFile = join(dir, "ca.crt");
    const env = { TLS_CERT_FILE: join(dir, "member.crt"), TLS_KEY_FILE: join(dir, "member.key"), TLS_CA_FILE: caFile };
    group = new ProcessGroup({ dir: join(dir, "group"), env });
    for (const n of [0, 1, 2]) await group.start(`w-${n}`);
    const target = { endpoints: group.endpoints, timeoutMs: 2000, caFile };
    const members = () =>
      askJson<ClusterAnswer>(target, { path: "/v1/members" }).then(
        ({ members: all }) => all.length,
        () => 0,
      );
    await expect.poll(members, { timeout: 60_000, interval: 100 }).toBe(3);
    await expect
      .poll(
        () =>
          ask(target, { method: "PUT", path: "/v1/kv/a", body: "secret" }).then(
            () => true,
            () => false,
          ),
        { timeout: 60_000 },
      )
      .toBe(true);
    const [address = ""] = group.endpoints;
    expect(await stranger(address)).toBe(403);
    await expect(ask({ endpoints: [address], timeoutMs: 2000 }, { path: "/v1/kv/a" })).rejects.toThrow();

    const [member] = group.members;
    if (etcdctl !== undefined) speakToEtcdPort(etcdctl, member?.etcdAddress ?? "", caFile);
    const ports = [member?.address ?? "", member?.etcdAddress ?? ""];
    const old = await serialAt(address);
    expect(await Promise.all(ports.map(serialAt))).toEqual([old, old]);
    renew();
    for (const port of ports) await expect.poll(() => serialAt(port), { timeout: 60_000 }).not.toBe(old);
  },
  120_000,
);

/** etcd's clients need no certificate of their own, but speak TLS and know the CA. */
function speakToEtcdPort(tool: string, address: string, caFile: string): void {
  const run = (...args: string[]): string =>
    execFileSync(tool, [...args], {
      env: { ...process.env, ETCDCTL_API: "3" },
      encoding: "utf8",
      stdio: "pipe",
    });
  const trusted = [`--endpoints=https://${address}`, `--cacert=${caFile}`];
  expect(run(...trusted, "put", "by-tls", "yes")).toBe("OK\n");
  expect(run(...trusted, "get", "by-tls", "--print-value-only")).toBe("yes\n");
  expect(() => run(`--endpoints=https://${address}`, "--command-timeout=2s", "get", "by-tls")).toThrow();
  expect(() => run(`--endpoints=http://${address}`, "--command-timeout=2s", "get", "by-tls")).toThrow();
}

/** A client without a certificate asks what only members may. */
function stranger(address: string): Promise<number | undefined> {
  const [host, port] = address.split(":");
  return new Promise((resolve, reject) => {
    const asked = request(
      { host, port, path: "/peer/membership", method: "POST", rejectUnauthorized: false },
      (response) => {
        response.resume();
        resolve(response.statusCode);
      },
    );
    asked.on("error", reject);
    asked.end("{}");
  });
}
