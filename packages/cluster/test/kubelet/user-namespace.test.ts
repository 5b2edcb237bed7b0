/** The private root as an ordinary user gets it: in a user namespace, where the kernel is stricter about mounts. */

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { namespaceIsolation } from "../../src/kubelet/isolation/namespaces.ts";
import type { ContainerSpec } from "../../src/kubelet/isolation/types.ts";
import { spawnContainer } from "../../src/kubelet/process/container-process.ts";
import { runToEnd } from "../../src/kubelet/process/exec.ts";
import { systemClock } from "../../src/machinery/clock.ts";

const isAllowed = (() => {
  try {
    execFileSync("unshare", ["--user", "--map-root-user", "--mount", "--pid", "--fork", "true"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();
if (!isAllowed)
  console.warn("the user namespace test is skipped: this machine does not allow unprivileged user namespaces");

describe.runIf(isAllowed)("a container in a user namespace", () => {
  let dir: string;
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), "coracle-userns-"));
    for (const name of ["root", "volume"]) mkdirSync(join(dir, name));
    writeFileSync(join(dir, "hosts"), "127.1.1.1 me\n");
  });
  afterAll(() => rmSync(dir, { recursive: true, maxRetries: 5 }));

  it("has its volumes, files and host name, and can be entered", async () => {
    const isolation = namespaceIsolation({ stage: join(dir, "root"), inUserNamespace: true, hasPidNamespace: true });
    const spec: ContainerSpec = {
      hostname: "inside",
      command: ["sh", "-c", "echo kept > /data/file; trap 'exit 3' TERM; while :; do sleep 0.05; done"],
      env: { PATH: "/usr/bin:/bin" },
      workingDir: "/data",
      mounts: [
        { hostPath: join(dir, "volume"), mountPath: "/data", isReadOnly: false, isFile: false },
        { hostPath: join(dir, "hosts"), mountPath: "/etc/hosts", isReadOnly: true, isFile: true },
      ],
      hostDirs: [],
      isRootReadOnly: true,
      hasTty: false,
    };
    const result = await spawnContainer(await isolation.launch(spec, dir), {
      containerID: "user-namespace-test",
      log: join(dir, "log"),
      exitRecord: join(dir, "exit"),
      hasStdin: false,
      limitMs: 10_000,
      clock: systemClock,
    });
    if (!result.ok) expect.fail(result.message);
    const { process: running } = result;
    await expect.poll(() => readFileSync(join(dir, "volume", "file"), { encoding: "utf8", flag: "a+" })).toBe("kept\n");
    const command = ["sh", "-c", "hostname; pwd; cat /etc/hosts file; touch /etc/x || echo sealed"];
    const { output } = await runToEnd(
      await isolation.enter(spec, running.identity.pid, command),
      AbortSignal.timeout(10_000),
    );
    expect(output).toContain("inside\n/data\n127.1.1.1 me\nkept\n");
    expect(output).toContain("sealed");
    running.terminate();
    expect(await running.exit).toEqual({ exitCode: 3, wasKilled: false });
    expect(readFileSync(join(dir, "exit"), "utf8")).toBe("3\n");
  });
});
