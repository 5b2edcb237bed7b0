/** The same system where the kernel gives no namespaces, and through a context of the user's own kubeconfig. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { program } from "../../../../scripts/testing/programs.ts";
import type { Summary } from "../../src/summary.ts";
import { type Installation, install } from "./installation.ts";

const kubectl = program("kubectl");

let coracle: Installation;
beforeAll(async () => {
  coracle = await install();
  await writeFile(join(coracle.home, "config.yaml"), "isolation: plain\n");
  await coracle.ok("coracle cluster start", { timeoutMs: 300_000 });
}, 320_000);
afterAll(() => coracle?.remove(), 120_000);

it("comes up by --context with plain isolation, as on any other cluster", async () => {
  const summary: Summary = JSON.parse(await coracle.ok("coracle up kvstore --context coracle --json"));
  expect(summary.ready).toBe(3);
  expect(summary.pods.filter(({ role }) => role === "master")).toHaveLength(1);
  // Another cluster's load balancer is shown at its own address, not at this machine's.
  expect(summary.addresses[0]?.host).toMatch(/^127\.\d+\.2[45]\d\.\d+$/);
  expect(JSON.parse(await coracle.ok("coracle cluster status --json")).isolation).toBe("plain");
}, 120_000);

it.runIf(kubectl)("finds mount paths translated in exec and in the program's settings", async () => {
  expect(await coracle.ok("kubectl exec -n kvstore kvstore-0 -- ls -la /data")).toMatch(/ log\n/);
  expect(await coracle.ok("kubectl exec -n kvstore kvstore-0 -- kvstore put here there")).toMatch(/OK/);
  expect(await coracle.ok("kubectl exec -n kvstore kvstore-0 -- kvstore read here")).toBe("there\n");
});

it("goes down again by --context, data and all", async () => {
  await coracle.ok("coracle down kvstore --context coracle --delete-data");
  expect(await coracle.ok("coracle status kvstore --context coracle")).toMatch(/kvstore is not up/);
}, 120_000);
