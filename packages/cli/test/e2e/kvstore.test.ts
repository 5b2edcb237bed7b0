/** The project's main job, as a user does it: bring kvstore up, use it, kill its leader, find everything again. */
import { readdir, readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { program } from "../../../../scripts/testing/programs.ts";
import type { Summary } from "../../src/summary.ts";
import { type Installation, install, until } from "./installation.ts";
import { lost, startWriter } from "./writer.ts";

const kubectl = program("kubectl");
const redisCli = program("redis-cli");

let coracle: Installation;
let summary: Summary;
beforeAll(async () => {
  coracle = await install();
  summary = JSON.parse(await coracle.ok("coracle up kvstore --json", { timeoutMs: 300_000 }));
}, 320_000);
afterAll(() => coracle?.remove(), 120_000);

const status = async (): Promise<Summary> => JSON.parse(await coracle.ok("coracle status kvstore --json"));
const leader = (of: Summary): string | undefined => of.pods.find(({ role }) => role === "master")?.name;

/** The address of the load balancer, which holds whatever else uses 127.0.0.1:5555 on this machine. */
const balancer = async (): Promise<string> =>
  (
    await coracle.ok("kubectl get svc -n kvstore kvstore-master -o jsonpath='{.status.loadBalancer.ingress[0].ip}'")
  ).trim();

/** Kills the server's process as the kernel would, from inside the pod, where its process id holds at every isolation level. */
async function killServer(pod: string): Promise<void> {
  const { pid } = JSON.parse(await coracle.ok(`kubectl exec -n kvstore ${pod} -c kvstore -- kvstore status --json`));
  // The kill may take the exec itself with it, so its exit code says nothing.
  await coracle.sh(`kubectl exec -n kvstore ${pod} -c kvstore -- kill -9 ${pid}`);
}

/** Processes that have this installation in their environment. */
async function processesOf({ home }: Installation): Promise<string[]> {
  const ids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const belongs = async (id: string): Promise<boolean> =>
    (await readFile(`/proc/${id}/environ`, "utf8").catch(() => "")).includes(home);
  const own = await Promise.all(ids.map(async (id) => ((await belongs(id)) ? id : undefined)));
  return own.filter((id) => id !== undefined);
}

describe("coracle up kvstore", () => {
  it("ends with three ready pods, one of them the leader", () => {
    expect(summary.ready).toBe(3);
    expect(summary.pods.map(({ name }) => name)).toEqual(["kvstore-0", "kvstore-1", "kvstore-2"]);
    expect(summary.pods.filter(({ role }) => role === "master")).toHaveLength(1);
    expect(summary.addresses).toContainEqual(expect.objectContaining({ service: "kvstore-master", port: 5555 }));
    expect(summary.tryNext).toHaveLength(3);
  });

  it("changes nothing when it is run again", async () => {
    const again: Summary = JSON.parse(await coracle.ok("coracle up kvstore --json"));
    expect(again.pods.map(({ name, restarts }) => [name, restarts])).toEqual(summary.pods.map(({ name }) => [name, 0]));
  });

  it("serves the kvstore command and redis-cli", async () => {
    const host = await balancer();
    expect(await coracle.ok(`kvstore --host ${host} put testkey testvalue`)).toMatch(/OK/);
    expect((await coracle.ok(`kvstore --host ${host} read testkey`)).trim()).toBe("testvalue");
    if (redisCli) expect((await coracle.ok(`redis-cli -h ${host} -p 5555 GET testkey`)).trim()).toBe("testvalue");
  });
});

describe.runIf(kubectl)("failover", () => {
  it.each([
    ["a killed leader process", killServer],
    ["a deleted leader pod", async (pod: string) => void (await coracle.ok(`kubectl delete pod -n kvstore ${pod}`))],
    [
      "a leader pod deleted without grace",
      async (pod: string) => void (await coracle.ok(`kubectl delete pod -n kvstore ${pod} --grace-period=0 --force`)),
    ],
  ])(
    "survives %s: another leads, and every acknowledged write is there",
    async (_, strike) => {
      const host = await balancer();
      const old = leader(await status()) as string;
      const writer = startWriter(host, 5555);
      await writer.more(200);
      await strike(old);
      await writer.more(200);
      await writer.stop();
      const after = await until(status, (now) => now.ready === 3 && leader(now) !== undefined, 60_000);
      expect(after.pods.filter(({ role }) => role === "master")).toHaveLength(1);
      expect(await lost(host, 5555, writer.acknowledged)).toEqual([]);
    },
    120_000,
  );

  it("finds everything again after the whole cluster was stopped and started", async () => {
    const host = await balancer();
    await coracle.ok(`kvstore --host ${host} put stays here`);
    await coracle.ok("coracle cluster stop");
    expect((await coracle.sh("coracle cluster status")).code).toBe(3);
    await coracle.ok("coracle up kvstore");
    expect((await coracle.ok(`kvstore --host ${await balancer()} read stays`)).trim()).toBe("here");
  }, 180_000);
});

describe("coracle down kvstore", () => {
  it("ends the pods and keeps the data, then finds it again", async () => {
    await coracle.ok(`kvstore --host ${await balancer()} put kept data`);
    await coracle.ok("coracle down kvstore");
    expect(JSON.parse(await coracle.ok("coracle status --json"))).toEqual([]);
    await coracle.ok("coracle up kvstore");
    expect((await coracle.ok(`kvstore --host ${await balancer()} read kept`)).trim()).toBe("data");
  }, 180_000);

  it("leaves no process behind when the cluster is deleted", async () => {
    expect(await processesOf(coracle)).not.toEqual([]);
    await coracle.ok("coracle cluster delete --yes");
    expect(await processesOf(coracle)).toEqual([]);
  }, 60_000);
});
