import type { Job } from "kubernetes-types/batch/v1.js";
import { describe, expect, it } from "vitest";
import { template } from "./support/manifests.ts";
import { openWorld, type World } from "./support/world.ts";

const job = (spec: object): Job => ({
  apiVersion: "batch/v1",
  kind: "Job",
  metadata: { name: "work", namespace: "default" },
  spec: { parallelism: 3, completions: 3, template: template({ restartPolicy: "Never" }, {}), ...spec },
});

const indexed = { completionMode: "Indexed", backoffLimitPerIndex: 0 };

type Status = NonNullable<Job["status"]> & { failedIndexes?: string };

const statusOf = (world: World) => world.object("jobs.batch", "default", "work").status as Status;
const conditions = (world: World) =>
  (statusOf(world).conditions ?? []).map(({ type, reason, message }) => `${type} ${reason}: ${message}`);
const running = (world: World) =>
  world.store.list("pods").filter(({ metadata, status }) => !metadata.deletionTimestamp && status?.phase === "Running");
const indexOf = ({ metadata }: ReturnType<typeof running>[number]) =>
  metadata.annotations?.["batch.kubernetes.io/job-completion-index"];

/** Ends the pods of the indexes, or any. */
async function finish(world: World, phase: "Succeeded" | "Failed", indexes?: readonly string[], exitCode?: number) {
  const chosen = running(world).filter((pod) => !indexes || indexes.includes(indexOf(pod) ?? ""));
  for (const { metadata } of chosen) await world.kubelet.finish(metadata.name, phase, exitCode);
  await world.settle();
}

describe("Job policies", () => {
  it("gives up an index that failed too often, and fails when the others are done", async () => {
    const world = await openWorld();
    await world.apply(job(indexed));
    await finish(world, "Failed", ["1"]);
    expect(statusOf(world)).toMatchObject({ failedIndexes: "1", failed: 1 });
    expect(running(world).map(indexOf).sort()).toEqual(["0", "2"]);
    await finish(world, "Succeeded");
    expect(statusOf(world)).toMatchObject({ failedIndexes: "1", completedIndexes: "0,2" });
    expect(conditions(world)).toEqual([
      "FailureTarget FailedIndexes: Job has failed indexes",
      "Failed FailedIndexes: Job has failed indexes",
    ]);
  });

  it("tries an index again after its own back-off, and counts its failures on its pods", async () => {
    const world = await openWorld();
    await world.apply(job({ ...indexed, backoffLimitPerIndex: 1 }));
    await finish(world, "Failed", ["1"]);
    await finish(world, "Succeeded", ["0"]);
    expect(running(world).map(indexOf)).toEqual(["2"]);
    await world.advance(10_000);
    const again = running(world).find((pod) => indexOf(pod) === "1");
    expect(again?.metadata.annotations?.["batch.kubernetes.io/job-index-failure-count"]).toBe("1");
    expect(statusOf(world).failedIndexes).toBe("");
    await finish(world, "Failed", ["1"]);
    expect(statusOf(world).failedIndexes).toBe("1");
  });

  it("fails at once by a FailJob rule, and tells why", async () => {
    const world = await openWorld();
    const rules = [
      { action: "Ignore", onPodConditions: [{ type: "DisruptionTarget", status: "True" }] },
      { action: "FailJob", onExitCodes: { operator: "In", values: [42] } },
    ];
    await world.apply(job({ completions: 1, podFailurePolicy: { rules } }));
    const [pod] = running(world);
    const container = pod?.spec?.containers[0]?.name;
    await finish(world, "Failed", undefined, 42);
    const message = `Container ${container} for pod default/${pod?.metadata.name} failed with exit code 42 matching FailJob rule at index 1`;
    expect(conditions(world)).toEqual([
      `FailureTarget PodFailurePolicy: ${message}`,
      `Failed PodFailurePolicy: ${message}`,
    ]);
  });

  it("replaces a pod whose failure it ignores, without counting it", async () => {
    const world = await openWorld();
    const rules = [{ action: "Ignore", onExitCodes: { operator: "NotIn", values: [1] } }];
    await world.apply(job({ completions: 1, backoffLimit: 0, podFailurePolicy: { rules } }));
    await finish(world, "Failed", undefined, 7);
    expect(statusOf(world).failed).toBeUndefined();
    expect(running(world)).toHaveLength(1);
    await finish(world, "Failed", undefined, 1);
    expect(conditions(world).at(-1)).toContain("BackoffLimitExceeded");
  });

  it("completes by a rule of its success policy", async () => {
    const world = await openWorld();
    const rules = [{ succeededIndexes: "0,2", succeededCount: 1 }];
    await world.apply(job({ completionMode: "Indexed", successPolicy: { rules } }));
    await finish(world, "Succeeded", ["1"]);
    expect(conditions(world)).toEqual([]);
    await finish(world, "Succeeded", ["2"]);
    expect(running(world)).toEqual([]);
    expect(conditions(world)).toEqual([
      "SuccessCriteriaMet SuccessPolicy: Matched rules at index 0",
      "Complete SuccessPolicy: Matched rules at index 0",
    ]);
  });
});
