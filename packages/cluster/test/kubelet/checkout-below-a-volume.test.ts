/** A checkout under /tmp must run in a container that mounts a volume at /tmp, at both levels. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { plainIsolation } from "../../src/kubelet/isolation/plain.ts";
import { planRoot } from "../../src/kubelet/isolation/root.ts";
import type { ContainerSpec } from "../../src/kubelet/isolation/types.ts";

let volume: string;
beforeEach(() => {
  volume = mkdtempSync(join(tmpdir(), "volume-"));
});
afterEach(() => rmSync(volume, { recursive: true }));

const spec = (): ContainerSpec => ({
  hostname: "pod",
  command: ["/tmp/checkout/bin/server", "--scratch=/tmp/x"],
  env: {},
  workingDir: "/",
  mounts: [{ hostPath: volume, mountPath: "/tmp", isReadOnly: false, isFile: false }],
  hostDirs: ["/tmp/checkout"],
  isRootReadOnly: false,
  hasTty: false,
});

it("is mounted after the volume in a private root", () => {
  const { fstab } = planRoot(spec(), { stage: "/stage", entries: [], inUserNamespace: false, hasPidNamespace: true });
  const places = fstab.split("\n").map((line) => line.split(" ")[1]);
  expect(places.indexOf("/stage/root/tmp")).toBeGreaterThan(-1);
  expect(places.indexOf("/stage/root/tmp/checkout")).toBeGreaterThan(places.indexOf("/stage/root/tmp"));
});

it("keeps its path where paths are mapped, while the volume's are translated", async () => {
  const { args } = await plainIsolation.launch(spec(), volume);
  expect(args).toContain("/tmp/checkout/bin/server");
  expect(args).toContain(`--scratch=${volume}/x`);
});
