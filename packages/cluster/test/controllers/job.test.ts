import type { Job } from "kubernetes-types/batch/v1.js";
import { describe, expect, it } from "vitest";
import { formatIndexes, parseIndexes } from "../../src/controllers/job/indexes.ts";
import { template } from "./support/manifests.ts";
import { openWorld, type World } from "./support/world.ts";

type Spec = NonNullable<Job["spec"]>;

const job = (spec: Partial<Spec> = {}): Job => ({
  apiVersion: "batch/v1",
  kind: "Job",
  metadata: { name: "work", namespace: "default" },
  spec: {
    parallelism: 1,
    completions: 1,
    backoffLimit: 6,
    template: template({ restartPolicy: "Never" }, {}),
    ...spec,
  },
});

const statusOf = (world: World) => world.object("jobs.batch", "default", "work").status as NonNullable<Job["status"]>;
const conditions = (world: World) =>
  (statusOf(world).conditions ?? [])
    .filter(({ status }) => status === "True")
    .map(({ type, reason }) => `${type} ${reason}`);
const active = (world: World) =>
  world.store
    .list("pods")
    .filter(({ metadata, status }) => !metadata.deletionTimestamp && status?.phase === "Running")
    .map(({ metadata }) => metadata.name);
const finishAll = async (world: World, phase: "Succeeded" | "Failed") => {
  for (const name of active(world)) await world.kubelet.finish(name, phase);
  await world.settle();
};
const edit = async (world: World, change: (spec: Spec) => void) => {
  await world.store.modify("jobs.batch", "default", "work", ({ spec }) => change(spec!));
  await world.settle();
};

describe("Job", () => {
  it("runs one pod to completion", async () => {
    const world = await openWorld();
    await world.apply(job());
    const [name] = active(world);
    expect(name).toMatch(/^work-[a-z0-9]{5}$/);
    expect(statusOf(world)).toMatchObject({ active: 1, ready: 1, startTime: "2026-01-01T00:00:00Z" });
    expect(world.object("pods", "default", name!).metadata).toMatchObject({
      labels: { "batch.kubernetes.io/job-name": "work", "job-name": "work" },
      finalizers: ["batch.kubernetes.io/job-tracking"],
    });
    await world.advance(3_000);
    await finishAll(world, "Succeeded");
    expect(statusOf(world)).toMatchObject({
      succeeded: 1,
      ready: 0,
      completionTime: "2026-01-01T00:00:03Z",
      uncountedTerminatedPods: {},
    });
    expect(statusOf(world).active).toBeUndefined();
    expect(conditions(world)).toEqual(["SuccessCriteriaMet CompletionsReached", "Complete CompletionsReached"]);
    expect(world.events("work")).toEqual([`SuccessfulCreate: Created pod: ${name}`, "Completed: Job completed"]);
    expect(world.object("pods", "default", name!).metadata.finalizers).toBeUndefined();
    expect(world.failures).toEqual([]);
  });

  it("keeps parallelism pods at work until the completions are reached", async () => {
    const world = await openWorld();
    await world.apply(job({ parallelism: 2, completions: 3 }));
    expect(active(world)).toHaveLength(2);
    await finishAll(world, "Succeeded");
    expect(active(world)).toHaveLength(1);
    expect(statusOf(world).succeeded).toBe(2);
    await finishAll(world, "Succeeded");
    expect(statusOf(world).succeeded).toBe(3);
    expect(conditions(world)).toContain("Complete CompletionsReached");
  });

  it("retries with growing delays and fails beyond backoffLimit", async () => {
    const world = await openWorld();
    await world.apply(job({ backoffLimit: 2 }));
    await finishAll(world, "Failed");
    expect(active(world)).toEqual([]);
    await world.advance(9_000);
    expect(active(world)).toEqual([]);
    await world.advance(1_000);
    expect(active(world)).toHaveLength(1);
    await finishAll(world, "Failed");
    await world.advance(19_000);
    expect(active(world)).toEqual([]);
    await world.advance(1_000);
    await finishAll(world, "Failed");
    expect(statusOf(world).failed).toBe(3);
    expect(conditions(world)).toEqual(["FailureTarget BackoffLimitExceeded", "Failed BackoffLimitExceeded"]);
    expect(world.events("work").at(-1)).toBe("BackoffLimitExceeded: Job has reached the specified backoff limit");
  });

  it("counts a pod that is deleted before it ends as failed, and replaces it", async () => {
    const world = await openWorld();
    await world.apply(job());
    await world.store.delete("pods", "default", active(world)[0]!);
    await world.settle();
    expect(statusOf(world).failed).toBe(1);
    await world.advance(10_000);
    expect(active(world)).toHaveLength(1);
  });

  it("counts each pod once, also when it is removed afterwards", async () => {
    const world = await openWorld();
    await world.apply(job({ completions: 2 }));
    const [first] = active(world);
    await finishAll(world, "Succeeded");
    await world.store.delete("pods", "default", first!);
    await world.settle();
    expect(statusOf(world).succeeded).toBe(1);
    await finishAll(world, "Succeeded");
    expect(statusOf(world)).toMatchObject({ succeeded: 2 });
    expect(world.podNames()).toHaveLength(1);
  });

  it("stops at its deadline", async () => {
    const world = await openWorld();
    await world.apply(job({ activeDeadlineSeconds: 30 }));
    await world.advance(30_000);
    expect(conditions(world)).toEqual(["FailureTarget DeadlineExceeded", "Failed DeadlineExceeded"]);
    expect(world.podNames()).toEqual([]);
  });

  it("stops its pods while suspended, without counting them as failed", async () => {
    const world = await openWorld();
    await world.apply(job());
    await edit(world, (spec) => {
      spec.suspend = true;
    });
    expect(world.podNames()).toEqual([]);
    expect(conditions(world)).toEqual(["Suspended JobSuspended"]);
    expect(statusOf(world).failed).toBeUndefined();
    await edit(world, (spec) => {
      spec.suspend = false;
    });
    expect(active(world)).toHaveLength(1);
    expect(world.events("work")).toEqual(expect.arrayContaining(["Suspended: Job suspended", "Resumed: Job resumed"]));
  });

  it("gives every pod an index when Indexed", async () => {
    const world = await openWorld();
    await world.apply(job({ completions: 3, parallelism: 2, completionMode: "Indexed" }));
    const indexes = () =>
      active(world).map(
        (name) =>
          world.object("pods", "default", name).metadata.annotations?.["batch.kubernetes.io/job-completion-index"],
      );
    expect(indexes().sort()).toEqual(["0", "1"]);
    expect(world.object("pods", "default", active(world)[0]!).spec.hostname).toMatch(/^work-[01]$/);
    await finishAll(world, "Succeeded");
    expect(indexes()).toEqual(["2"]);
    expect(statusOf(world).completedIndexes).toBe("0,1");
    await finishAll(world, "Succeeded");
    expect(statusOf(world)).toMatchObject({ completedIndexes: "0-2", succeeded: 3 });
  });

  it("goes after its ttl, and its pods with it", async () => {
    const world = await openWorld();
    await world.apply(job({ ttlSecondsAfterFinished: 60 }));
    await finishAll(world, "Succeeded");
    await world.advance(59_000);
    expect(world.store.get("jobs.batch", "default", "work")).toBeDefined();
    await world.advance(1_000);
    expect(world.store.get("jobs.batch", "default", "work")).toBeUndefined();
    expect(world.podNames()).toEqual([]);
  });

  it("leaves no pod held by its finalizer when deleted", async () => {
    const world = await openWorld();
    await world.apply(job());
    await world.store.delete("jobs.batch", "default", "work", { propagationPolicy: "Background" });
    await world.settle();
    expect(world.podNames()).toEqual([]);
  });
});

describe("completion indexes", () => {
  it.each(["", "0", "0,1", "0-2", "0-2,5,7-9"])("%s", (text) => {
    expect(formatIndexes(parseIndexes(text))).toBe(text);
  });
});
