/** securityContext: users, groups, and what belongs to them. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { asUser, wantedUser } from "../../src/kubelet/pod/security.ts";
import type { Fixture } from "../kubelet/cluster-fixture.ts";
import { isolationLevels, isReady, openFixture, sh } from "../kubelet/cluster-fixture.ts";

const isRoot = process.getuid?.() === 0;
const container = sh("main", "true");
const program = { command: [], user: 0 };
const metadata = { name: "pod", namespace: "default", uid: "1" };

describe("the user wanted", () => {
  it("is the container's before the pod's, and none when nobody asks", () => {
    const spec = { containers: [], securityContext: { runAsUser: 1000, fsGroup: 2000, supplementalGroups: [4000] } };
    expect(wantedUser({ metadata, spec }, container, program)).toEqual({ uid: 1000, gid: 0, groups: [0, 4000, 2000] });
    const own = { ...container, securityContext: { runAsUser: 7, runAsGroup: 8 } };
    expect(wantedUser({ metadata, spec }, own, program)).toMatchObject({ uid: 7, gid: 8 });
    expect(wantedUser({ metadata, spec: { containers: [] } }, container, program)).toBeUndefined();
  });

  it("must not be root where the pod says so", () => {
    const pod = { metadata, spec: { containers: [], securityContext: { runAsNonRoot: true } } };
    const message = 'container has runAsNonRoot and image will run as root (pod: "pod_default(1)", container: main)';
    expect(() => wantedUser(pod, container, program)).toThrow(message);
    expect(() => wantedUser(pod, { ...container, securityContext: { runAsUser: 0 } }, program)).toThrow(
      "container's runAsUser breaks non-root policy",
    );
    expect(wantedUser(pod, container, { command: [] })).toBeUndefined();
  });

  it("does not get a program that it could not read", () => {
    const closed = mkdtempSync(join(tmpdir(), "coracle-closed-"));
    const spec = { hostname: "", command: [], workingDir: "/", isRootReadOnly: false, hasTty: false };
    const env = { PATH: `${closed}/cluster/programs:/usr/bin` };
    const user = { uid: 1, gid: 1, groups: [] };
    const given = { ...spec, env, mounts: [], hostDirs: [`${closed}/cluster/programs`] };
    const adapted = asUser(given, user, `${closed}/cluster`);
    expect(adapted?.env.PATH).toBe("/run/coracle/programs:/usr/bin");
    expect(adapted?.mounts).toMatchObject([
      { hostPath: `${closed}/cluster/programs`, mountPath: "/run/coracle/programs" },
    ]);
    expect(asUser({ ...given, hostDirs: [closed] }, user, `${closed}/cluster`)).toBeUndefined();
    rmSync(closed, { recursive: true });
  });
});

describe.runIf(isRoot && isolationLevels.includes("namespaces"))("a pod's user", () => {
  let fixture: Fixture;
  beforeAll(async () => {
    fixture = await openFixture("namespaces");
  });
  afterAll(() => fixture.close());

  it("runs the program and what is executed, and owns the volumes with its group", async () => {
    await fixture.run("demo", {
      securityContext: { runAsUser: 1000, runAsGroup: 3000, fsGroup: 2000 },
      volumes: [{ name: "data", emptyDir: {} }],
      containers: [
        {
          ...sh("main", "id; echo hello > /data/file; echo again >> /dev/stdout; nslookup; exec sleep 100"),
          volumeMounts: [{ name: "data", mountPath: "/data" }],
        },
      ],
    });
    await fixture.until("demo", isReady);
    await expect
      .poll(() => fixture.logs("demo"))
      .toMatch(/^uid=1000\S* gid=3000\S* groups=2000\S*,3000\S*\nagain\nnslookup: usage/);
    const { stdout } = await fixture.exec(
      "demo",
      "sh",
      "-c",
      "id -u; stat -c '%u %g' /data/file; touch /usr/x || echo no",
    );
    expect(stdout).toBe("1000\n1000 2000\nno\n");
  });

  it("may listen on low ports", async () => {
    await fixture.run("low", { securityContext: { runAsUser: 1000 }, containers: [sh("main", "exec sleep 100")] });
    await fixture.until("low", isReady);
    const script = "require('net').createServer().listen(81, '127.0.0.97', () => process.exit(process.getuid() / 100))";
    expect(await fixture.exec("low", "node", "-e", script)).toMatchObject({ exitCode: 10, stderr: "" });
  });
});
