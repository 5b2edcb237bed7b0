/** Faults and nodes by command: what the shell sees of them. What each kind does is tested in packages/cluster. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Installation, install, until } from "./installation.ts";

let coracle: Installation;
beforeAll(async () => {
  coracle = await install();
  await coracle.ok("coracle cluster start --nodes 2", { timeoutMs: 300_000 });
}, 320_000);
afterAll(() => coracle?.remove(), 120_000);

interface ListedNode {
  readonly name: string;
  readonly isStopped: boolean;
}

it("adds, lists and clears faults", async () => {
  const added = JSON.parse(await coracle.ok("coracle fault add dns-error names=web code=NXDOMAIN --for 600 --json"));
  expect(added).toMatchObject({
    id: "dns-error-1",
    spec: { kind: "dns-error", names: ["web"], code: "NXDOMAIN", durationMs: 600_000 },
    status: { phase: "Active" },
  });
  expect(await coracle.ok("coracle fault list")).toMatch(/dns-error-1 +dns-error +Active +- +.*names=web/);
  expect(await coracle.ok("coracle fault clear dns-error-1")).toBe("Cleared: dns-error-1.\n");
  expect(JSON.parse(await coracle.ok("coracle fault list --json"))).toEqual([]);
}, 60_000);

it("says why nothing was injected, and leaves nothing behind", async () => {
  const refused = await coracle.sh("coracle fault add pause pods=nobody");
  expect(refused).toMatchObject({ code: 1, stdout: "" });
  expect(refused.stderr).toMatch(/^The fault was not injected: None of these pods runs/);
  expect(await coracle.ok("coracle fault list")).toMatch(/^Nothing is wrong on purpose/);
}, 60_000);

it("stops and starts nodes", async () => {
  const nodes = async (): Promise<ListedNode[]> => JSON.parse(await coracle.ok("coracle node list --json"));
  expect(await coracle.ok("coracle node stop node-2 --out-of-service")).toMatch(/^node-2 is gone/);
  expect((await nodes()).map(({ name, isStopped }) => [name, isStopped])).toEqual([
    ["node-1", false],
    ["node-2", true],
  ]);
  await coracle.ok("coracle node start node-2");
  await until(nodes, (all) => all.every(({ isStopped }) => !isStopped));
}, 60_000);

it("ends all faults with the cluster", async () => {
  await coracle.ok("coracle fault add api-delay delayMs=1 userAgent=nobody");
  await coracle.ok("coracle cluster stop");
  await coracle.ok("coracle cluster start --nodes 2");
  expect(await coracle.ok("coracle fault list")).toMatch(/^Nothing is wrong on purpose/);
}, 120_000);
