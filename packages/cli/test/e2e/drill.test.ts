/** Every fault once against a live kvstore under load; then a switchover, a backup and its restore, as an operator does them. */
import { cp, mkdtemp, open, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DrillReport } from "@coracle/drill";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { program } from "../../../../scripts/testing/programs.ts";
import { root } from "../../../../scripts/testing/sources.ts";
import type { Summary } from "../../src/summary.ts";
import { type Installation, install, until } from "./installation.ts";
import { lost, startWriter } from "./writer.ts";

/** As short as a machine that runs other tests as well allows: a member that gets no processor for this long has lost its term, and rightly. */
const LEASE_TTL_SECONDS = 5;
const redisCli = program("redis-cli");

let coracle: Installation;
let work: string;
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), "coracle-drill-"));
  coracle = await install();
  // A short Lease, so that faults of which only silence tells take less of the test's time.
  const manifests = join(work, "k8s");
  await cp(join(root, "systems/kvstore/k8s"), manifests, { recursive: true });
  const file = join(manifests, "configmap.yaml");
  const text = await readFile(file, "utf8");
  expect(text).toContain('LEASE_TTL_SECONDS: "15"');
  await writeFile(file, text.replace('LEASE_TTL_SECONDS: "15"', `LEASE_TTL_SECONDS: "${LEASE_TTL_SECONDS}"`));
  await coracle.ok(`coracle up ${manifests} --json`, { timeoutMs: 300_000 });
}, 320_000);
afterAll(async () => {
  await coracle?.remove();
  await rm(work, { recursive: true, force: true });
}, 120_000);

const status = async (): Promise<Summary> => JSON.parse(await coracle.ok("coracle status kvstore --json"));
const leader = ({ pods }: Summary) => pods.find(({ role }) => role === "master");
const settled = (): Promise<Summary> =>
  until(status, (now) => now.ready === now.pods.length && leader(now) !== undefined, 60_000);
const address = async (): Promise<string> => leader(await settled())?.address ?? "";

async function drill(...faults: string[]): Promise<DrillReport> {
  const line = `coracle drill kvstore --fault ${faults.join(",")} --seed 11 --clients 8 --hold 7 --out ${work}/reports --json`;
  return JSON.parse(await coracle.ok(line, { timeoutMs: 240_000 }));
}

function expectKept(report: DrillReport, faults: readonly string[]): void {
  expect(report.broken).toEqual([]);
  expect(report.skipped).toEqual([]);
  expect(report.lost).toEqual([]);
  expect(report.isLinearizable).toBe(true);
  expect(report.operations.writes).toBeGreaterThan(200);
  expect(report.faults.map(({ fault }) => fault).sort()).toEqual([...faults].sort());
}

describe("coracle drill kvstore", () => {
  it("takes the leader away in every way, and nothing acknowledged is lost", async () => {
    const faults = ["kill", "delete", "partition", "pause"];
    const report = await drill(...faults);
    expectKept(report, faults);
    for (const { electedMs, firstWriteMs, newLeader } of report.faults) {
      expect(newLeader).toMatch(/^kvstore-\d$/);
      expect(firstWriteMs).toBeGreaterThanOrEqual(electedMs as number);
    }
    const [page = ""] = (await readdir(join(work, "reports"))).filter((name) => name.endsWith(".html"));
    expect(await readFile(join(work, "reports", page), "utf8")).toContain("every promise held");
    expect(await coracle.ok("kubectl get networkpolicy -n kvstore -o name")).toBe(
      "networkpolicy.networking.k8s.io/kvstore-netpol\n",
    );
  }, 260_000);

  it("scales to five and back, and restarts every pod, under load without losing a write", async () => {
    const before = (await status()).pods.length;
    expectKept(await drill("scale", "restart"), ["scale", "restart"]);
    expect((await settled()).pods).toHaveLength(before);
  }, 260_000);

  it("deletes all pods at once, and then a leader with its disk, and finds everything again", async () => {
    expectKept(await drill("outage", "wipe"), ["outage", "wipe"]);
  }, 260_000);

  it("goes on while the API, DNS, a clock or a disk is wrong, for longer than the Lease lasts", async () => {
    const api = ["api-away", "api-hang", "api-conflict", "api-gone", "api-lost-answer", "watch-drop"];
    const others = ["dns-away", "clock-forward", "clock-back", "disk-full", "disk-slow"];
    const report = await drill(...api, ...others);
    expectKept(report, [...api, ...others]);
    const ofApi = report.faults.filter(({ fault }) => ["api-away", "api-hang"].includes(fault));
    expect(ofApi.map(({ newLeader }) => newLeader)).toEqual([undefined, undefined]);
  }, 260_000);

  it.runIf(redisCli)(
    "finds out that acknowledged writes have gone, and ends with 1",
    async () => {
      const balancer = "kubectl get svc -n kvstore kvstore-master -o jsonpath='{.status.loadBalancer.ingress[0].ip}'";
      const host = await coracle.ok(balancer);
      const ask = async (command: string) =>
        (await coracle.sh(`redis-cli -h ${host} -p 5555 ${command}`)).stdout.trim();
      const before = Number(await ask("DBSIZE"));
      const line = "coracle drill kvstore --fault restart --ops insert=1 --seed 3 --clients 4 --json";
      const drilling = coracle.sh(`${line} --out ${work}/reports`, { timeoutMs: 120_000 });
      await until(
        async () => Number(await ask("DBSIZE")),
        (count) => count > before + 20,
        60_000,
      );
      await until(
        () => ask("FLUSHDB"),
        (answer) => answer === "OK",
      );
      const { code, stdout } = await drilling;
      expect(code).toBe(1);
      const report: DrillReport = JSON.parse(stdout);
      expect(report.lost.length).toBeGreaterThan(10);
      expect(report.isLinearizable).toBe(false);
      expect(report.badHistory.length).toBe(2);
      expect(report.broken[0]).toMatch(/Acknowledged writes are lost on \d+ keys/);
    },
    200_000,
  );

  it("says what is wrong with its options", async () => {
    expect(await coracle.sh("coracle drill kvstore --fault flood")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("There is no fault flood. Faults: kill"),
    });
    expect(await coracle.sh("coracle drill kvstore --ops push=1")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("no operation push. This system has: read, write, insert, delete"),
    });
  }, 60_000);
});

describe("coracle switchover kvstore", () => {
  it("makes the wanted pod the leader while clients write, and loses nothing", async () => {
    const before = await settled();
    const to = before.pods.find(({ role }) => role === "replica")?.name as string;
    const writer = startWriter(leader(before)?.address as string, 5555);
    await writer.more(50);
    const outcome = JSON.parse(await coracle.ok(`coracle switchover kvstore --to ${to} --json`));
    await writer.stop();
    expect(outcome).toMatchObject({ from: leader(before)?.name, to });
    expect(leader(await settled())?.name).toBe(to);
    expect(await lost(await address(), 5555, writer.acknowledged)).toEqual([]);
  }, 90_000);

  it("refuses a pod that is not in sync, and changes nothing", async () => {
    const before = leader(await settled())?.name;
    const refused = await coracle.sh("coracle switchover kvstore --to kvstore-7");
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining("kvstore-7 is not in sync") });
    expect(leader(await settled())?.name).toBe(before);
  }, 60_000);
});

describe("coracle backup and restore kvstore", () => {
  const volume = async (): Promise<string> => {
    const volumes = join(coracle.home, "cluster", "volumes");
    return join(volumes, (await readdir(volumes)).find((name) => name.endsWith("backup-pvc")) as string);
  };
  const kvstore = async (line: string): Promise<string> => coracle.ok(`kvstore --host ${await address()} ${line}`);

  it("copies a replica, brings back what was there, and keeps what it replaced", async () => {
    await kvstore("batchput a,b,c 1,2,3");
    const source = await coracle.ok("coracle backup kvstore");
    expect(source).toContain("keys");
    expect(source).not.toContain(`from ${await address()}`);
    await kvstore("batchput a,d changed,new");
    const shown = await coracle.ok("coracle restore kvstore --yes");
    expect(shown).toMatch(/(\d+) keys in it, \1 read back and equal/);
    expect(shown).toContain("replaced-");
    expect(await kvstore("read a")).toBe("1\n");
    expect((await coracle.sh(`kvstore --host ${await address()} read d`)).code).toBe(1);
  }, 120_000);

  it("refuses an altered backup with the reason, and leaves the data alone", async () => {
    await kvstore("put a kept");
    const names = (await readdir(await volume())).filter((name) => /^kvstore-.*kvbackup$/.test(name)).sort();
    const file = await open(join(await volume(), names.at(-1) as string), "r+");
    await file.write(Buffer.from("?"), 0, 1, 60);
    await file.close();
    const refused = await coracle.sh(`coracle restore kvstore --from ${names.at(-1)} --yes`);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/is refused, and nothing was changed.*checksum/s);
    expect(await kvstore("read a")).toBe("kept\n");
  }, 90_000);

  it("asks before it replaces anything", async () => {
    expect(await coracle.sh("coracle restore kvstore")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--yes"),
    });
  }, 30_000);
});
