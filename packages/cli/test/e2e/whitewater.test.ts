/** whitewater as its guide has it, by the real kubectl: each way of discovery, the guide's own manifests, scaling, lost disks. */
import { join } from "node:path";
import type { DrillReport } from "@coracle/drill";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { program } from "../../../../scripts/testing/programs.ts";
import { root } from "../../../../scripts/testing/sources.ts";
import type { Summary } from "../../src/summary.ts";
import { type Installation, install, until } from "./installation.ts";

const kubectl = program("kubectl");
const SRV = "_raft._tcp.whitewater-headless.default.svc.cluster.local";

let coracle: Installation;
beforeAll(async () => {
  coracle = await install();
  await coracle.ok("coracle cluster start", { timeoutMs: 300_000 });
}, 320_000);
afterAll(() => coracle?.remove(), 120_000);

interface Member {
  readonly id: string;
  readonly name: string;
  readonly role: string;
}

const status = async (): Promise<Summary> => JSON.parse(await coracle.ok("coracle status whitewater --json"));
const inPod = (pod: string, line: string) => coracle.ok(`kubectl exec ${pod} -c whitewater -- ${line}`);
/** What the first pod that answers knows; empty while none does. */
const members = async (): Promise<readonly Member[]> => {
  const { code, stdout } = await coracle.sh("kubectl exec whitewater-0 -c whitewater -- whitewater members --json");
  return code === 0 ? JSON.parse(stdout) : [];
};
const votersNamed = (...ordinals: readonly number[]) =>
  until(
    members,
    (all) =>
      all.length === ordinals.length &&
      ordinals.every((n) => all.some(({ name, role }) => name === `whitewater-${n}` && role !== "learner")),
    90_000,
  );
const ready = (count: number) =>
  until(
    () => coracle.ok("kubectl get pods -l app=whitewater --no-headers"),
    (text) => (text.match(/1\/1 +Running/g) ?? []).length === count && text.trim().split("\n").length === count,
    120_000,
  );

/** Ends the pods and removes their data, for the next variant. */
const clear = async (): Promise<void> => {
  await coracle.ok("kubectl delete statefulset,service,pdb,networkpolicy -l app=whitewater --ignore-not-found");
  await coracle.ok(
    "kubectl delete statefulset/whitewater service/whitewater-headless service/whitewater-service --ignore-not-found",
  );
  await coracle.ok("kubectl wait --for=delete pod -l app=whitewater --timeout=60s");
  await coracle.ok("kubectl delete pvc --all");
};

describe.runIf(kubectl)("discovery by DNS", () => {
  it("comes up with one leader and four followers", async () => {
    const summary: Summary = JSON.parse(await coracle.ok("coracle up whitewater --json", { timeoutMs: 120_000 }));
    expect(summary.pods.map(({ role }) => role).sort()).toEqual([
      "follower",
      "follower",
      "follower",
      "follower",
      "leader",
    ]);
    await votersNamed(0, 1, 2, 3, 4);
  }, 150_000);

  it("answers the guide's SRV lookup in a pod", async () => {
    const text = await coracle.ok(`kubectl exec whitewater-0 -- nslookup -type=SRV ${SRV}`);
    for (const n of [0, 1, 2, 3, 4])
      expect(text).toContain(`8090 whitewater-${n}.whitewater-headless.default.svc.cluster.local`);
  }, 30_000);

  it("prints who it is and whom it sees, as the guide's program does", async () => {
    const log = await coracle.ok("kubectl logs whitewater-4");
    expect(log).toMatch(/^I am: whitewater-4 \(127\.[\d.]+\)$/m);
    expect(log).toMatch(/^Peers: \["whitewater-\d\.whitewater-headless\.default\.svc\.cluster\.local:8090"/m);
  }, 30_000);

  it("finds everything again after all pods were deleted at once, at new addresses", async () => {
    await inPod("whitewater-0", "whitewater put kept here");
    const before = await members();
    const addresses = "kubectl get pods -l app=whitewater -o jsonpath='{.items[*].status.podIP}'";
    const old = await coracle.ok(addresses);
    await coracle.ok("kubectl delete pods -l app=whitewater --grace-period=0 --force");
    await ready(5);
    expect((await coracle.ok(addresses)).split(" ").filter((each) => old.split(" ").includes(each))).toEqual([]);
    expect(await inPod("whitewater-3", "whitewater get kept")).toBe("here\n");
    expect((await members()).map(({ id }) => id).sort()).toEqual(before.map(({ id }) => id).sort());
  }, 150_000);

  it("keeps its promises when the leader goes away in every way", async () => {
    const faults = "kill,partition,pause,wipe,clock-forward,disk-full,dns-away";
    const line = `coracle drill whitewater --fault ${faults} --seed 5 --clients 8 --hold 1 --json --out ${coracle.home}/reports`;
    const report: DrillReport = JSON.parse(await coracle.ok(line, { timeoutMs: 240_000 }));
    expect(report.broken).toEqual([]);
    expect(report.skipped).toEqual([]);
    expect(report.faults.map(({ fault }) => fault).sort()).toEqual(faults.split(",").sort());
    expect(report.operations.writes).toBeGreaterThan(100);
  }, 260_000);

  it("scales to seven by the guide's command; the two more hold the data", async () => {
    await coracle.ok("kubectl scale statefulset whitewater --replicas=7");
    await ready(7);
    const all = await until(members, (found) => found.length === 7, 60_000);
    expect(
      all
        .filter(({ role }) => role === "learner")
        .map(({ name }) => name)
        .sort(),
    ).toEqual(["whitewater-5", "whitewater-6"]);
    expect(await coracle.ok("kubectl logs whitewater-6")).toMatch(/^Peers: \[.*whitewater-6/m);
    expect(await inPod("whitewater-6", "whitewater get kept")).toBe("here\n");
  }, 150_000);

  it("keeps a majority when it is scaled from seven to three at once", async () => {
    await coracle.ok("kubectl scale statefulset whitewater --replicas=3");
    await ready(3);
    await inPod("whitewater-0", "whitewater put smaller yes");
    expect(await inPod("whitewater-2", "whitewater get kept")).toBe("here\n");
  }, 150_000);

  it("switches over by command", async () => {
    const to = (await status()).pods.find(({ role }) => role === "follower")?.name;
    const moved = JSON.parse(await coracle.ok(`coracle switchover whitewater --to ${to} --json`));
    expect(moved).toMatchObject({ to });
    expect((await status()).pods.find(({ role }) => role === "leader")?.name).toBe(to);
  }, 60_000);
});

describe.runIf(kubectl)("discovery by the Kubernetes API", () => {
  beforeAll(clear, 120_000);

  it("comes up, and may read what the guide grants", async () => {
    await coracle.ok("coracle up whitewater --variant kubernetes-api", { timeoutMs: 120_000 });
    await votersNamed(0, 1, 2, 3, 4);
    const can = "kubectl auth can-i list pods --as=system:serviceaccount:default:whitewater";
    expect((await coracle.ok(can)).trim()).toBe("yes");
    expect(await coracle.ok("kubectl logs whitewater-1")).toMatch(/^Peers:\n( {2}whitewater-\d \(127\.[\d.]+\)\n)+/m);
  }, 150_000);

  it("goes on while the API hangs, forgets its history and drops watches", async () => {
    const faults = "api-hang,api-gone,watch-drop";
    const line = `coracle drill whitewater --fault ${faults} --seed 5 --clients 4 --hold 1 --json --out ${coracle.home}/reports`;
    const report: DrillReport = JSON.parse(await coracle.ok(line, { timeoutMs: 120_000 }));
    expect(report.broken).toEqual([]);
    expect(report.skipped).toEqual([]);
    expect(report.faults).toHaveLength(3);
  }, 130_000);

  it("removes members that are scaled away at once, one by one, down to one", async () => {
    await inPod("whitewater-0", "whitewater put kept here");
    await coracle.ok("kubectl scale statefulset whitewater --replicas=2");
    await votersNamed(0, 1);
    await ready(2);
    await coracle.ok("kubectl scale statefulset whitewater --replicas=1");
    await votersNamed(0);
    expect(await inPod("whitewater-0", "whitewater get kept")).toBe("here\n");
  }, 150_000);

  it("takes them in again as new members when it is scaled up, with the old disks", async () => {
    await coracle.ok("kubectl scale statefulset whitewater --replicas=3");
    await votersNamed(0, 1, 2);
    expect(await inPod("whitewater-2", "whitewater get kept")).toBe("here\n");
  }, 150_000);
});

describe.runIf(kubectl)("discovery by an init container", () => {
  beforeAll(clear, 120_000);

  it("comes up; log and file are what the guide shows", async () => {
    await coracle.ok("coracle up whitewater --variant init-container", { timeoutMs: 120_000 });
    await votersNamed(0, 1, 2, 3, 4);
    expect(await coracle.ok("kubectl logs whitewater-0 -c discover-peers")).toMatch(
      /Discovering peers via DNS\.\.\.\n.*Discovered peers:\n\{"peers":/s,
    );
    expect(JSON.parse(await coracle.ok("kubectl exec whitewater-0 -- cat /config/peers.json"))).toHaveProperty("peers");
  }, 150_000);

  it("restarts by the guide's command without losing anything", async () => {
    await inPod("whitewater-0", "whitewater put kept here");
    await coracle.ok("kubectl rollout restart statefulset whitewater");
    await coracle.ok("kubectl rollout status statefulset whitewater --timeout=120s", { timeoutMs: 130_000 });
    expect(await inPod("whitewater-4", "whitewater get kept")).toBe("here\n");
  }, 180_000);
});

describe.runIf(kubectl)("the guide's own manifests, unmodified: one pod after the other, no claims, no probes", () => {
  const guide = (variant: string): string => join(root, "systems/whitewater/test/data/seed", `${variant}.yaml`);

  it.each(["dns-srv", "kubernetes-api", "init-container"])(
    "%s becomes one cluster of five",
    async (variant) => {
      await clear();
      await coracle.ok(`kubectl apply -f ${guide(variant)}`);
      await ready(5);
      await votersNamed(0, 1, 2, 3, 4);
      await inPod("whitewater-4", "whitewater put works yes");
      expect(await inPod("whitewater-1", "whitewater get works")).toBe("yes\n");
    },
    200_000,
  );
});
