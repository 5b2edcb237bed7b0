/** blockchain by `coracle` alone, as on a machine that has nothing but Node.js: no Redis, an empty home. Then a short drill. */
import { cp, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ScenarioReport } from "@coracle/drill";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { root } from "../../../../scripts/testing/sources.ts";
import type { Summary } from "../../src/summary.ts";
import { type Installation, install, type Outcome, until } from "./installation.ts";

/** Bounds, not expectations: the machine may be busy. */
const PATIENCE_MS = 300_000;

let coracle: Installation;
let env: Readonly<Record<string, string>>;
let up: Outcome;
beforeAll(async () => {
  coracle = await install();
  const HOME = join(coracle.home, "empty");
  await mkdir(HOME);
  env = { HOME };
  up = await coracle.sh(`coracle up ${await manifestsWithoutRedis()}`, { env, timeoutMs: PATIENCE_MS });
}, PATIENCE_MS + 30_000);
afterAll(() => coracle?.remove(), 120_000);

/** A copy in which the image of Redis is one that this machine can't have. */
async function manifestsWithoutRedis(): Promise<string> {
  const manifests = join(coracle.home, "k8s");
  await cp(join(root, "systems", "blockchain", "k8s"), manifests, { recursive: true });
  const file = join(manifests, "15-redis.yaml");
  const text = await readFile(file, "utf8");
  expect(text).toContain("image: redis:7-alpine");
  await writeFile(file, text.replace("image: redis:7-alpine", "image: not-on-this-machine"));
  return manifests;
}

const status = async (): Promise<Summary> =>
  JSON.parse(await coracle.ok("coracle status blockchain --json", { env, timeoutMs: PATIENCE_MS }));

describe("coracle up blockchain", () => {
  it("comes up without Redis, and says what is then different", async () => {
    expect([up.code, up.output]).toEqual([0, expect.stringContaining("Without")]);
    expect(up.stdout).toMatch(
      /redis.*ErrImagePull.*each webserver counts requests for itself \(RateLimit-Mode: local\)/,
    );
    const { addresses, pods } = await status();
    const { host, port } = addresses.find(({ port }) => port === 8080) ?? { host: "", port: 0 };
    const response = await fetch(`http://${host}:${port}/api/v1/blockchain`);
    expect([response.status, response.headers.get("ratelimit-mode")]).toEqual([200, "local"]);
    expect(pods.filter(({ role }) => role === "webserver").every(({ ready }) => ready)).toBe(true);
  });
});

describe("coracle status blockchain", () => {
  it("shows each node's height, tip, peers and hash rate", async () => {
    const isWhole = ({ pods }: Summary): boolean =>
      ["miner-0", "miner-1", "webserver-0", "webserver-1"].every((name) => {
        const { details } = pods.find((pod) => pod.name === name) ?? {};
        return Number(details?.height) > 0 && Number(details?.peers) >= 2 && details?.tip !== undefined;
      });
    const { pods } = await until(status, isWhole, 60_000);
    const miners = pods.filter(({ role }) => role === "miner");
    expect(miners.map(({ details }) => details?.mining)).toEqual([true, true]);
    const text = await coracle.ok("coracle status blockchain", { env });
    expect(text).toMatch(/POD +READY +STATUS +ROLE +HEIGHT +TIP +PEERS +HASH RATE/);
    expect(text).toMatch(/miner-0 +yes +Running +miner +\d+ +[0-9a-f]{8} +\d+ +\d\S* \S?H\/s/);
  }, 90_000);
});

describe("coracle logs blockchain", () => {
  it("prints what all nodes have to say", async () => {
    const text = await coracle.ok("coracle logs blockchain", { env });
    for (const pod of ["miner-0", "miner-1", "webserver-0", "webserver-1"]) expect(text).toContain(pod);
    expect(text).toContain("mined a block");
  }, 60_000);
});

describe("coracle drill blockchain", () => {
  it("sets a miner's clock wrong; nodes agree afterwards, and nothing is lost", {
    timeout: PATIENCE_MS,
  }, async () => {
    const line = `coracle drill blockchain --fault clock-forward --seed 11 --hold 4 --json --out ${coracle.home}/reports`;
    const report: ScenarioReport = JSON.parse(await coracle.ok(line, { env, timeoutMs: PATIENCE_MS }));
    expect(report.broken).toEqual([]);
    expect(report.results).toMatchObject([{ scenario: "clock-forward", facts: { nodes: 4 } }]);
    expect(report.results[0]?.skipped).toBeUndefined();
  });
});

describe("coracle down blockchain", () => {
  it(
    "deletes the system and keeps its volumes",
    async () => {
      await coracle.ok("coracle down blockchain", { env, timeoutMs: PATIENCE_MS });
      const volumes = await readdir(join(coracle.home, "cluster", "volumes"));
      expect(volumes.filter((name) => /(miner|webserver)-wallets-(miner|webserver)-\d/.test(name))).toHaveLength(4);
    },
    PATIENCE_MS,
  );
});
