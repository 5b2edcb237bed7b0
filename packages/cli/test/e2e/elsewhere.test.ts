/** The same system where the kernel gives no namespaces, and through a context of the user's own kubeconfig. */
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { program } from "../../../../scripts/testing/programs.ts";
import type { Summary } from "../../src/summary.ts";
import { type Installation, install, until } from "./installation.ts";

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

it("shows the load balancer's own address when another program has its port on 127.0.0.1", async () => {
  const other = createServer().listen(15999, "127.0.0.1");
  await once(other, "listening");
  try {
    const path = join(coracle.home, "taken.yaml");
    await writeFile(
      path,
      "apiVersion: v1\nkind: Service\nmetadata: {name: taken, namespace: kvstore}\nspec: {type: LoadBalancer, selector: {app: kvstore}, ports: [{port: 15999, targetPort: 5555}]}\n",
    );
    await coracle.ok(`coracle up ${path}`);
    const shown = async () => (JSON.parse(await coracle.ok(`coracle status ${path} --json`)) as Summary).addresses;
    expect(await until(shown, ([line]) => line?.host !== "127.0.0.1")).toEqual([
      { service: "taken", host: expect.stringMatching(/^127\.\d+\.2[45]\d\.\d+$/), port: 15999 },
    ]);
  } finally {
    other.close();
  }
}, 60_000);

it("goes down again by --context, data and all", async () => {
  await coracle.ok("coracle down kvstore --context coracle --delete-data");
  expect(await coracle.ok("coracle status kvstore --context coracle")).toMatch(/kvstore is not up/);
}, 120_000);
