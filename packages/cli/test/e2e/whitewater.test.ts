/** whitewater as its guide has it, by the real kubectl: each way of discovery, faults, scaling, lost disks, and the guide's own manifests. */
import { join } from "node:path";
import type { DrillReport } from "@coracle/drill";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { program } from "../../../../scripts/testing/programs.ts";
import { root } from "../../../../scripts/testing/sources.ts";
import type { Summary } from "../../src/summary.ts";
import { type Installation, install, until } from "./installation.ts";
import { startRetryingWriter } from "./retrying-writer.ts";
import { WhitewaterPods } from "./whitewater-pods.ts";

const kubectl = program("kubectl");
const SRV = "_raft._tcp.whitewater-headless.default.svc.cluster.local";
/** Bounds, not expectations: the machine may be busy. */
const PATIENCE_MS = 300_000;

let coracle: Installation;
let pods: WhitewaterPods;
beforeAll(async () => {
  coracle = await install();
  await coracle.ok("coracle cluster start", { timeoutMs: PATIENCE_MS });
  pods = await WhitewaterPods.of(coracle);
}, PATIENCE_MS);
afterAll(async () => {
  pods?.close();
  await coracle?.remove();
}, 120_000);

const up = async (variant: string): Promise<Summary> =>
  JSON.parse(await coracle.ok(`coracle up whitewater --variant ${variant} --json`, { timeoutMs: PATIENCE_MS }));
const leader = async () => (await pods.members()).find(({ role }) => role === "leader")?.name;
const scale = (replicas: number) => coracle.ok(`kubectl scale statefulset whitewater --replicas=${replicas}`);

/** Each fault once, under load. */
async function drill(faults: readonly string[], clients: number): Promise<DrillReport> {
  const line = `coracle drill whitewater --fault ${faults.join()} --seed 5 --clients ${clients} --hold 1 --json --out ${coracle.home}/reports`;
  const report: DrillReport = JSON.parse(await coracle.ok(line, { timeoutMs: PATIENCE_MS }));
  expect(report.broken).toEqual([]);
  expect(report.skipped).toEqual([]);
  expect(report.faults.map(({ fault }) => fault).sort()).toEqual([...faults].sort());
  expect(report.operations.writes).toBeGreaterThan(50);
  return report;
}

/** Ends the pods and removes their data, for the next variant. */
async function clear(): Promise<void> {
  const objects = "statefulset/whitewater service/whitewater-headless service/whitewater-service";
  await coracle.ok("kubectl delete service,pdb,networkpolicy -l app=whitewater --ignore-not-found");
  await coracle.ok(`kubectl delete ${objects} --ignore-not-found`);
  await coracle.ok("kubectl delete pods -l app=whitewater --grace-period=0 --force --ignore-not-found");
  await pods.ready();
  await coracle.ok("kubectl delete pvc --all");
}

describe.runIf(kubectl)("discovery by DNS", () => {
  it("comes up with one leader and four followers; names, log and roles are the guide's", async () => {
    const roles = (await up("dns-srv")).pods.map(({ role }) => role).sort();
    expect(roles).toEqual(["follower", "follower", "follower", "follower", "leader"]);
    await pods.voting(0, 1, 2, 3, 4);
    const srv = await coracle.ok(`kubectl exec whitewater-0 -- nslookup -type=SRV ${SRV}`);
    for (const n of [0, 1, 2, 3, 4])
      expect(srv).toContain(`8090 whitewater-${n}.whitewater-headless.default.svc.cluster.local`);
    const log = await coracle.ok("kubectl logs whitewater-4");
    expect(log).toMatch(/^I am: whitewater-4 \(127\.[\d.]+\)$/m);
    expect(log).toMatch(/^Peers: \["whitewater-\d\.whitewater-headless\.default\.svc\.cluster\.local:8090"/m);
    await coracle.ok("kubectl exec whitewater-0 -- whitewater put kept here");
    expect(await coracle.ok("kubectl exec whitewater-3 -- whitewater get kept")).toBe("here\n");
  }, 400_000);

  it("finds everything again after all pods were deleted at once, at new addresses that DNS tells late", async () => {
    const [before, old] = [await pods.members(), await pods.addresses()];
    // What caches do: Kubernetes' DNS lets answers live for 5 s, denials too.
    await coracle.ok("coracle fault add dns-stale selector=app=whitewater ageMs=5000 --for 600");
    await coracle.ok("coracle fault add dns-negative-cache selector=app=whitewater ttlMs=5000 --for 600");
    await coracle.ok("kubectl delete pods -l app=whitewater --grace-period=0 --force");
    await pods.ready(0, 1, 2, 3, 4);
    await coracle.ok("coracle fault clear");
    expect((await pods.addresses()).filter((address) => old.includes(address))).toEqual([]);
    expect(await pods.get("kept", 3)).toBe("here");
    expect((await pods.members()).map(({ id }) => id).sort()).toEqual(before.map(({ id }) => id).sort());
  }, 200_000);

  it("keeps its promises when the leader goes away in every way; only a lost disk becomes a new member", async () => {
    const idsOf = async () => new Set((await pods.voting(0, 1, 2, 3, 4)).map(({ id }) => id));
    const before = await idsOf();
    await drill(["kill", "delete", "minority", "pause", "wipe", "clock-forward", "disk-full", "dns-away"], 8);
    const after = await idsOf();
    expect([...before].filter((id) => !after.has(id))).toHaveLength(1);
  }, 400_000);

  it("scales to seven and to three at once by the guide's command, and a client with ordinary retries notices nothing", async () => {
    const hosts = (await pods.addresses()).map((address) => `${address}:2379`);
    const writer = startRetryingWriter(hosts, 4);
    try {
      await scale(7);
      await pods.ready(0, 1, 2, 3, 4, 5, 6);
      const all = await until(
        () => pods.members(),
        ({ length }) => length === 7,
        120_000,
      );
      const learners = all.filter(({ role }) => role === "learner").map(({ name }) => name);
      expect(learners.sort()).toEqual(["whitewater-5", "whitewater-6"]);
      expect(await pods.get("kept", 6)).toBe("here");
      // The leader goes too.
      if ((await leader()) !== "whitewater-4")
        await coracle.ok("kubectl exec whitewater-0 -- whitewater move-leader whitewater-4");
      await scale(3);
      await pods.ready(0, 1, 2);
      const written = writer.count();
      await until(
        async () => writer.count(),
        (count) => count > written + 50,
        60_000,
      );
    } finally {
      await writer.stop();
    }
    expect(writer.errors).toEqual([]);
    expect(await pods.get("kept", 2)).toBe("here");
  }, 400_000);

  it("switches over by command", async () => {
    const to = (await pods.members()).find(({ name, role }) => role === "follower" && /-[012]$/.test(name))?.name;
    const moved = JSON.parse(await coracle.ok(`coracle switchover whitewater --to ${to} --json`));
    expect(moved).toMatchObject({ to });
    expect(await leader()).toBe(to);
  }, 120_000);
});

describe.runIf(kubectl)("discovery by the Kubernetes API", () => {
  beforeAll(clear, 200_000);

  it("comes up, may read what the guide grants, and goes on while the API hangs, forgets its history and drops watches", async () => {
    await up("kubernetes-api");
    await pods.voting(0, 1, 2, 3, 4);
    const can = "kubectl auth can-i list pods --as=system:serviceaccount:default:whitewater";
    expect((await coracle.ok(can)).trim()).toBe("yes");
    expect(await coracle.ok("kubectl logs whitewater-1")).toMatch(/^Peers:\n( {2}whitewater-\d \(127\.[\d.]+\)\n)+/m);
    await drill(["api-away", "api-hang", "api-gone", "watch-drop"], 4);
  }, 500_000);

  it("removes members that are scaled away at once, down to one, and takes them in again with their old disks", async () => {
    await pods.put("kept", "here");
    await scale(2);
    await pods.voting(0, 1);
    await pods.ready(0, 1);
    await scale(1);
    await pods.voting(0);
    expect(await pods.get("kept")).toBe("here");
    await scale(3);
    await pods.voting(0, 1, 2);
    expect(await pods.get("kept", 2)).toBe("here");
  }, 400_000);
});

describe.runIf(kubectl)("discovery by an init container", () => {
  beforeAll(clear, 200_000);

  it("comes up; log and file are what the guide shows; a restart by the guide's command loses nothing", async () => {
    await up("init-container");
    await pods.voting(0, 1, 2, 3, 4);
    expect(await coracle.ok("kubectl logs whitewater-0 -c discover-peers")).toMatch(
      /Discovering peers via DNS\.\.\.\n.*Discovered peers:\n\{"peers":/s,
    );
    expect(JSON.parse(await coracle.ok("kubectl exec whitewater-0 -- cat /config/peers.json"))).toHaveProperty("peers");
    await pods.put("kept", "here");
    await coracle.ok("kubectl rollout restart statefulset whitewater");
    const wait = "kubectl rollout status statefulset whitewater --timeout=280s";
    await coracle.ok(wait, { timeoutMs: PATIENCE_MS });
    expect(await pods.get("kept", 4)).toBe("here");
  }, 600_000);
});

describe.runIf(kubectl)("the guide's own manifests, unmodified: one pod after the other, no claims, no probes", () => {
  it.each(["dns-srv", "kubernetes-api", "init-container"])(
    "%s becomes one cluster of five",
    async (variant) => {
      await clear();
      const guide = join(root, "systems/whitewater/test/data/seed", `${variant}.yaml`);
      await coracle.ok(`kubectl apply -f ${guide}`);
      await pods.ready(0, 1, 2, 3, 4);
      await pods.voting(0, 1, 2, 3, 4);
      await pods.put("works", "yes", 4);
      expect(await pods.get("works", 1)).toBe("yes");
    },
    400_000,
  );
});
