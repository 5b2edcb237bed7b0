/** What survives the end of the cluster process, and what is left behind: nothing. */
import { readFileSync } from "node:fs";
import type { Pod } from "kubernetes-types/core/v1.js";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { allProcesses, isAlive, type ProcessIdentity, processesOf, signal } from "../../src/kubelet/process/proc.ts";
import { type Fixture, isolationLevels, isReady, openFixture, phaseIs, sh } from "./cluster-fixture.ts";

const statusOf = (pod: Pod | undefined) => pod?.status?.containerStatuses?.[0];
const ticking = "trap 'exit 0' TERM; n=0; while :; do n=$((n+1)); echo tick $n; sleep 0.05; done";

describe.each(isolationLevels)("the kubelet's end with isolation %s", (isolation) => {
  let fixture: Fixture;
  beforeEach(async () => {
    fixture = await openFixture(isolation);
  });
  afterEach(() => fixture.close());

  /** Drops the kubelet as a crash would: its processes go on and nobody watches them. */
  const successor = async () => {
    fixture.crash();
    const next = fixture.another();
    fixture.kubelet = next;
    await next.start();
  };

  const identityOf = async (name: string): Promise<ProcessIdentity> => {
    const pod = await fixture.until(name, isReady);
    const folder = `${fixture.dir}/pods/default_${name}_${pod.metadata.uid}`;
    return (JSON.parse(readFileSync(`${folder}/containers/main/run.json`, "utf8")) as { identity: ProcessIdentity })
      .identity;
  };

  it("adopts what still runs, with its address, log and exit code", async () => {
    await fixture.run("steady", { restartPolicy: "Never", containers: [sh("main", `${ticking}`)] });
    const before = await fixture.until("steady", isReady);
    const identity = await identityOf("steady");
    await successor();
    const abort = new AbortController();
    const stream = await fixture.kubelet.logs(
      { namespace: "default", name: "steady" },
      { follow: true, tailLines: 1 },
      abort.signal,
    );
    const seen: string[] = [];
    for await (const chunk of stream) {
      seen.push(String(chunk));
      if (seen.length > 2) break;
    }
    expect(seen.join("")).toMatch(/tick \d+\ntick \d+/);
    const pod = await fixture.until("steady", isReady);
    expect(pod.status?.podIP).toBe(before.status?.podIP);
    expect(statusOf(pod)).toMatchObject({ restartCount: 0, containerID: statusOf(before)?.containerID });
    expect((await fixture.exec("steady", "echo", "hello")).stdout).toBe("hello\n");
    signal(-identity.pid, "SIGKILL");
    const ended = await fixture.until("steady", phaseIs("Failed"));
    expect(statusOf(ended)?.state?.terminated?.exitCode).toBe(137);
  });

  it("restarts what ended meanwhile, and counts it", async () => {
    await fixture.run("fallen", { containers: [sh("main", ticking)] });
    const identity = await identityOf("fallen");
    await fixture.kubelet.stop(1000);
    expect(isAlive(identity)).toBe(false);
    await successor();
    const pod = await fixture.until("fallen", (each) => isReady(each as Pod) && statusOf(each)?.restartCount === 1);
    expect(statusOf(pod)?.lastState?.terminated).toMatchObject({ exitCode: 0 });
  });

  it("keeps a pod's address from a newcomer that the registry lists first", async () => {
    await fixture.run("old", { containers: [sh("main", ticking)] });
    const before = await fixture.until("old", isReady);
    fixture.crash();
    await fixture.run("a-newcomer", { containers: [sh("main", ticking)] });
    await successor();
    const newcomer = await fixture.until("a-newcomer", isReady);
    const after = await fixture.until("old", isReady);
    expect(after.status?.podIP).toBe(before.status?.podIP);
    expect(newcomer.status?.podIP).not.toBe(before.status?.podIP);
  });

  it("ends processes whose pod has been removed meanwhile", async () => {
    await fixture.run("orphan", { containers: [sh("main", ticking)] });
    const pod = await fixture.until("orphan", isReady);
    const identity = await identityOf("orphan");
    const id = statusOf(pod)?.containerID?.split("//")[1] ?? "";
    fixture.crash();
    await fixture.store.delete("pods", "default", "orphan", { gracePeriodSeconds: 0 });
    await successor();
    await expect.poll(() => isAlive(identity)).toBe(false);
    await expect.poll(() => processesOf(id)).toEqual([]);
  });

  it("leaves no process when it stops, daemons included", async () => {
    const script = "setsid sh -c 'while :; do sleep 0.05; done' & while :; do sleep 0.05; done";
    await fixture.run("daemon", { containers: [sh("main", script)] });
    const pod = await fixture.until("daemon", isReady);
    const id = statusOf(pod)?.containerID?.split("//")[1] ?? "";
    await expect.poll(() => processesOf(id).length).toBeGreaterThan(2);
    await fixture.kubelet.stop(200);
    await expect.poll(() => processesOf(id)).toEqual([]);
    expect(allProcesses().filter(({ state, parent }) => state === "Z" && parent === process.pid)).toEqual([]);
  });
});
