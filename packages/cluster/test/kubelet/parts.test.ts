/** The kubelet's small parts, each by itself. */
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, symlinkSync } from "node:fs";
import { createServer as createHttp2 } from "node:http2";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { expand } from "../../src/kubelet/env/expand.ts";
import { fieldValue, resourceValue } from "../../src/kubelet/env/fields.ts";
import { serviceVariables } from "../../src/kubelet/env/services.ts";
import { parseImage } from "../../src/kubelet/images/reference.ts";
import { commandLine, resolveImage } from "../../src/kubelet/images/resolve.ts";
import { hostTree, resolveInRoot } from "../../src/kubelet/isolation/host-tree.ts";
import { mapPaths } from "../../src/kubelet/isolation/plain.ts";
import { quote } from "../../src/kubelet/isolation/shim.ts";
import { PodAddresses } from "../../src/kubelet/pod/addresses.ts";
import { hostsFile, resolvConf } from "../../src/kubelet/pod/etc-files.ts";
import { withServiceAccount } from "../../src/kubelet/pod/service-account.ts";
import { runProbe } from "../../src/kubelet/probes/run-probe.ts";
import { writeAtomically } from "../../src/kubelet/volumes/atomic-writer.ts";
import { containerMounts } from "../../src/kubelet/volumes/mounts.ts";
import { resolveBelow, safeRelativePath } from "../../src/kubelet/volumes/paths.ts";
import { addressPlan } from "../../src/network/addresses.ts";

const plan = addressPlan(77);

it.each([
  ["$(A)", "1"],
  ["x$(A)-$(B)y", "x1-$(B)y"],
  ["$$(A)", "$(A)"],
  ["$$$(A)", "$1"],
  ["$(toString)", "$(toString)"],
  ["$A $ x$", "$A $ x$"],
])("expands %s to %s", (text, expected) => expect(expand(text, { A: "1" })).toBe(expected));

describe("the downward API", () => {
  const pod = { metadata: { name: "p", labels: { b: "2", "a/x": '1"' } }, spec: { nodeName: "n", containers: [] } };
  const addresses = { podIP: "127.77.16.1", hostIP: "127.77.1.1" };
  it.each([
    ["metadata.name", "p"],
    ["metadata.labels['a/x']", '1"'],
    ["metadata.labels", 'a/x="1\\""\nb="2"'],
    ["metadata.annotations['none']", ""],
    ["spec.nodeName", "n"],
    ["spec.serviceAccountName", "default"],
    ["status.podIPs", "127.77.16.1"],
    ["status.hostIP", "127.77.1.1"],
  ])("reads %s", (path, expected) => expect(fieldValue(pod, path, addresses)).toBe(expected));

  it("refuses other paths", () =>
    expect(() => fieldValue(pod, "spec.constructor", addresses)).toThrow("unsupported fieldPath"));

  const node = { cpu: "4", memory: "8Gi" };
  it.each([
    ["limits.cpu", undefined, "1"],
    ["limits.cpu", "1m", "250"],
    ["requests.memory", "1Mi", "64"],
    ["limits.memory", "1Gi", "8"],
    ["requests.ephemeral-storage", undefined, "0"],
  ])("gives %s in units of %s", (resource, divisor, expected) => {
    const container = { name: "c", resources: { limits: { cpu: "250m" }, requests: { memory: "64Mi" } } };
    expect(resourceValue(container, { resource, ...(divisor && { divisor }) }, node)).toBe(expected);
  });
});

it("names Services in variables", () => {
  const spec = {
    clusterIP: "127.77.128.1",
    ports: [
      { name: "http", port: 80 },
      { name: "dns", port: 53, protocol: "UDP" },
    ],
  };
  const headless = { metadata: { name: "none" }, spec: { clusterIP: "None", ports: [{ port: 1 }] } };
  expect(serviceVariables([{ metadata: { name: "my-web" }, spec }, headless])).toMatchObject({
    MY_WEB_SERVICE_HOST: "127.77.128.1",
    MY_WEB_SERVICE_PORT: "80",
    MY_WEB_SERVICE_PORT_DNS: "53",
    MY_WEB_PORT: "tcp://127.77.128.1:80",
    MY_WEB_PORT_53_UDP: "udp://127.77.128.1:53",
    MY_WEB_PORT_53_UDP_PROTO: "udp",
  });
});

describe("images", () => {
  const kvstore = { command: ["kvstore"], args: ["server"], pathDirs: ["/opt/kvstore/bin"] };
  const table = {
    system: (name: string) => (name === "kvstore" ? kvstore : undefined),
    extra: { "acme/tool:2": { command: ["tool"] } },
  };
  const options = { table, applets: "/applets", programs: "/programs", hostPath: process.env.PATH ?? "" };

  it.each([
    ["coracle/kvstore:1.0", "kvstore"],
    ["ghcr.io:443/acme/coracle/kvstore@sha256:".concat("0".repeat(64)), "kvstore"],
    ["yourregistry/kvstore", "kvstore"],
    ["acme/tool:2", "tool"],
  ])("maps %s", (image, command) => expect(resolveImage(image, options).program.command).toEqual([command]));

  it("puts the program's folder first on PATH", () => {
    expect(resolveImage("coracle/kvstore", options).path).toMatch(/^\/opt\/kvstore\/bin:.*:\/applets$/);
  });

  it("says how to map what maps to nothing", () => {
    expect(() => resolveImage("acme/tool:3", options)).toThrow(/`images` in the cluster's config file/);
    expect(() => resolveImage("Bad Image", options)).toThrow("invalid reference format");
  });

  it("keeps a registry's port apart from the tag", () => {
    expect(parseImage("localhost:5000/a/b:v1")).toEqual({
      repository: "localhost:5000/a/b",
      name: "b",
      qualifiedName: "a/b",
      tag: "v1",
    });
  });

  it.each([
    [{}, ["kvstore", "server"]],
    [{ args: ["status"] }, ["kvstore", "status"]],
    [{ command: ["sh"] }, ["sh"]],
    [{ command: ["sh"], args: ["-c"] }, ["sh", "-c"]],
  ])("combines %j with the image's entry point", (container, expected) => {
    expect(commandLine({ name: "c", ...container }, kvstore)).toEqual(expected);
  });
});

describe("plain isolation's path mapping", () => {
  const mount = (mountPath: string, hostPath: string) => ({ mountPath, hostPath, isReadOnly: false, isFile: false });
  const mounts = [mount("/data", "/v/data"), mount("/data/deep", "/v/deep"), mount("/mnt/.x", "/v/x")];
  it.each([
    ["/data", "/v/data"],
    ["/data/", "/v/data/"],
    ["/data/a.log", "/v/data/a.log"],
    ["/data/deep/a", "/v/deep/a"],
    ["--dir=/data", "--dir=/v/data"],
    ["cat /data/a && ls '/mnt/.x'", "cat /v/data/a && ls '/v/x'"],
    ["/database /var/data x/data /data-old", "/database /var/data x/data /data-old"],
    ["ls /data.", "ls /v/data."],
    ["PATH=/bin:/data", "PATH=/bin:/v/data"],
  ])("turns %s into %s", (text, expected) => expect(mapPaths(text, mounts)).toBe(expected));
});

it.each(["", "a b", "it's", "$(rm -rf)", "a\nb", "`x`", "\\"])("quotes %j for the shell", async (word) => {
  const { execFileSync } = await import("node:child_process");
  expect(execFileSync("/bin/sh", ["-c", `printf %s ${quote(word)}`], { encoding: "utf8" })).toBe(word);
});

describe("the private root", () => {
  it("puts an overlay over a folder, unless there are mounts inside", () => {
    const entries = hostTree([
      { path: "/", type: "ext4" },
      { path: "/usr/local/share", type: "nfs4" },
    ]);
    const typeOf = (wanted: string) => entries.find(({ path }) => path === wanted)?.type;
    expect(typeOf("/etc")).toBe("overlay");
    expect([typeOf("/usr"), typeOf("/usr/local"), typeOf("/usr/bin")]).toEqual(["folder", "folder", "overlay"]);
    expect(entries.filter(({ path }) => path.startsWith("/tmp") || path.startsWith("/var"))).toEqual([]);
  });

  it("follows the host's links", () => {
    expect(resolveInRoot("/var/run/secrets/x")).toBe("/run/secrets/x");
    expect(resolveInRoot("/tmp/x/y")).toBe("/tmp/x/y");
    expect(resolveInRoot("/no/such/place")).toBe("/no/such/place");
  });
});

describe("pod files", () => {
  const pod = { metadata: { name: "web-0", namespace: "shop" }, spec: { subdomain: "web", containers: [] } };

  it("writes resolv.conf by the DNS policy", () => {
    expect(resolvConf(pod, plan, "HOST")).toBe(
      "search shop.svc.cluster.local svc.cluster.local cluster.local\nnameserver 127.77.0.10\noptions ndots:5\n",
    );
    expect(resolvConf({ ...pod, spec: { ...pod.spec, dnsPolicy: "Default" } }, plan, "HOST")).toBe("HOST");
    const dnsConfig = { nameservers: ["1.1.1.1"], options: [{ name: "ndots", value: "2" }] };
    expect(resolvConf({ ...pod, spec: { ...pod.spec, dnsPolicy: "None", dnsConfig } }, plan, "HOST")).toBe(
      "nameserver 1.1.1.1\noptions ndots:2\n",
    );
  });

  it("makes localhost mean the pod", () => {
    const text = hostsFile(pod, "127.77.16.1", plan);
    expect(text).toContain("127.77.16.1\tlocalhost\n");
    expect(text).toContain("127.77.16.1\tweb-0.web.shop.svc.cluster.local\tweb-0\n");
  });

  it("adds the service account's volume unless it is there or not wanted", () => {
    const bare = { spec: { containers: [{ name: "c" }] } };
    const added = withServiceAccount(bare);
    expect(added.spec?.containers[0]?.volumeMounts?.[0]?.mountPath).toBe(
      "/var/run/secrets/kubernetes.io/serviceaccount",
    );
    expect(withServiceAccount(added)).toBe(added);
    const refusing = { spec: { automountServiceAccountToken: false, containers: [] } };
    expect(withServiceAccount(refusing)).toBe(refusing);
  });

  it("gives each pod its own address, and the old one back", () => {
    const addresses = new PodAddresses({ ...plan.pods, size: 3 });
    const [first, second] = [addresses.take(), addresses.take()];
    expect(first).not.toBe(second);
    addresses.release(first);
    expect(addresses.take(first)).toBe(first);
    expect(addresses.take(first)).not.toBe(first);
    expect(() => addresses.take()).toThrow("no pod address is free");
  });
});

describe("volumes", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "coracle-volume-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const files = (contents: Record<string, string>) =>
    new Map(Object.entries(contents).map(([path, content]) => [path, { content, mode: 0o640 }]));

  it("swaps a set of files by one link", async () => {
    const place = join(folder, "v");
    expect(await writeAtomically(place, files({ a: "1", "sub/b": "2" }))).toBe(true);
    const before = readlinkSync(join(place, "..data"));
    expect(readlinkSync(join(place, "sub"))).toBe("..data/sub");
    expect(await writeAtomically(place, files({ a: "1", "sub/b": "2" }))).toBe(false);
    expect(await writeAtomically(place, files({ a: "3" }))).toBe(true);
    expect(readFileSync(join(place, "a"), "utf8")).toBe("3");
    const after = readlinkSync(join(place, "..data"));
    expect(after).not.toBe(before);
    expect(readdirSync(place).sort()).toEqual(["..data", after, "a"].sort());
  });

  it.each(["..", "../x", "a/../../x", "/etc/passwd", "", "a\0b"])("refuses the path %j", (path) => {
    expect(() => safeRelativePath(path, "path")).toThrow("must be a relative path without '..'");
  });

  it("refuses a subPath whose link leads out", async () => {
    symlinkSync("/etc", join(folder, "out"));
    await expect(resolveBelow(folder, "out/passwd", "subPath")).rejects.toThrow("leads outside of the volume");
  });

  it("orders mounts so that inner ones come later, and refuses bad ones", async () => {
    const volumes = [{ name: "v", hostPath: folder, isFile: false, isReadOnly: true }];
    const mounts = (...paths: string[]) =>
      containerMounts({ name: "c", volumeMounts: paths.map((mountPath) => ({ name: "v", mountPath })) }, volumes, {});
    expect((await mounts("/a/b", "/a")).map(({ mountPath, isReadOnly }) => [mountPath, isReadOnly])).toEqual([
      ["/a", true],
      ["/a/b", true],
    ]);
    await expect(mounts("/a/../etc")).rejects.toThrow("invalid mount path");
    await expect(
      containerMounts({ name: "c", volumeMounts: [{ name: "w", mountPath: "/w" }] }, volumes, {}),
    ).rejects.toThrow("w");
  });
});

it("asks a gRPC server for its health", async () => {
  let status = 2;
  const server = createHttp2((_, response) => {
    response.setHeader("content-type", "application/grpc");
    response.end(Buffer.from([0, 0, 0, 0, 2, 8, status]));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const probe = { grpc: { port: (server.address() as AddressInfo).port, service: "x" } };
  const target = { host: "127.0.0.1", container: { name: "c" }, exec: async () => ({ exitCode: 0, output: "" }) };
  expect(await runProbe(probe, target)).toEqual({
    ok: false,
    output: 'service unhealthy (responded with "NOT_SERVING")',
  });
  status = 1;
  expect(await runProbe(probe, target)).toEqual({ ok: true, output: "" });
  await new Promise((resolve) => server.close(resolve));
  expect((await runProbe(probe, target)).output).toContain("failed to connect");
});
