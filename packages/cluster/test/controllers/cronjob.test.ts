import type { CronJob } from "kubernetes-types/batch/v1.js";
import { describe, expect, it } from "vitest";
import { jobFor } from "../../src/controllers/cronjob/controller.ts";
import { findDue, parseSchedule } from "../../src/controllers/cronjob/schedule.ts";
import type { Stored } from "../../src/machinery/types.ts";
import { template } from "./support/manifests.ts";
import { openWorld, type World } from "./support/world.ts";

const cronJob = (spec: Partial<NonNullable<CronJob["spec"]>> = {}): CronJob => ({
  apiVersion: "batch/v1",
  kind: "CronJob",
  metadata: { name: "backup", namespace: "default" },
  spec: {
    schedule: "*/5 * * * *",
    jobTemplate: { spec: { completions: 1, parallelism: 1, template: template({ restartPolicy: "Never" }, {}) } },
    ...spec,
  },
});

const minute = 60_000;
const jobs = (world: World) =>
  world.store
    .list("jobs.batch")
    .map(({ metadata }) => metadata.name)
    .sort();
const statusOf = (world: World) =>
  world.object("cronjobs.batch", "default", "backup").status as NonNullable<CronJob["status"]>;
const finishAll = async (world: World, phase: "Succeeded" | "Failed" = "Succeeded") => {
  for (const { metadata, status } of world.store.list("pods"))
    if (status?.phase === "Running") await world.kubelet.finish(metadata.name, phase);
  await world.settle();
};
const nameAt = (time: string) => `backup-${Date.parse(time) / minute}`;

describe("CronJob", () => {
  it("creates a job at each time and notes it", async () => {
    const world = await openWorld();
    await world.apply(cronJob());
    await world.advance(5 * minute - 1);
    expect(jobs(world)).toEqual([]);
    await world.advance(1);
    expect(jobs(world)).toEqual([nameAt("2026-01-01T00:05:00Z")]);
    expect(statusOf(world)).toMatchObject({
      lastScheduleTime: "2026-01-01T00:05:00Z",
      active: [{ kind: "Job", name: jobs(world)[0] }],
    });
    expect(world.events("backup")).toEqual([`SuccessfulCreate: Created job ${jobs(world)[0]}`]);
    await finishAll(world);
    expect(statusOf(world).active).toBeUndefined();
    expect(statusOf(world).lastSuccessfulTime).toBe("2026-01-01T00:05:00Z");
    expect(world.events("backup")).toContain(
      `SawCompletedJob: Saw completed job: ${jobs(world)[0]}, condition: Complete`,
    );
    await world.advance(5 * minute);
    expect(jobs(world)).toHaveLength(2);
    expect(world.failures).toEqual([]);
  });

  it.each([
    ["Allow", 2, 2],
    ["Forbid", 1, 1],
    ["Replace", 1, 1],
  ])("%s: %i jobs, %i running", async (concurrencyPolicy, count, running) => {
    const world = await openWorld();
    await world.apply(cronJob({ concurrencyPolicy }));
    await world.advance(10 * minute);
    expect(jobs(world)).toHaveLength(count);
    expect(world.podNames()).toHaveLength(running);
    const expected = concurrencyPolicy === "Replace" ? "2026-01-01T00:10:00Z" : "2026-01-01T00:05:00Z";
    expect(jobs(world)[0]).toBe(nameAt(expected));
  });

  it("does nothing while suspended and takes the last missed time when resumed", async () => {
    const world = await openWorld();
    await world.apply(cronJob({ suspend: true }));
    await world.advance(17 * minute);
    expect(jobs(world)).toEqual([]);
    await world.store.modify("cronjobs.batch", "default", "backup", ({ spec }) => {
      spec!.suspend = false;
    });
    await world.settle();
    expect(jobs(world)).toEqual([nameAt("2026-01-01T00:15:00Z")]);
  });

  it("lets times pass that are longer ago than startingDeadlineSeconds", async () => {
    const world = await openWorld();
    await world.apply(cronJob({ suspend: true, startingDeadlineSeconds: 60 }));
    await world.advance(17 * minute);
    await world.store.modify("cronjobs.batch", "default", "backup", ({ spec }) => {
      spec!.suspend = false;
    });
    await world.settle();
    expect(jobs(world)).toEqual([]);
  });

  it("leaves a job alone that somebody made from it by hand, and says so", async () => {
    const world = await openWorld();
    await world.apply(cronJob());
    const made = jobFor(world.object("cronjobs.batch", "default", "backup") as Stored<CronJob>, 0);
    await world.apply({ ...made, metadata: { ...made.metadata, name: "manual" } });
    expect(world.events("backup")).toEqual([
      "UnexpectedJob: Saw a job that the controller did not create or forgot: manual",
    ]);
    await finishAll(world);
    expect(jobs(world)).toEqual(["manual"]);
  });

  it("keeps as many finished jobs as its limits say", async () => {
    const world = await openWorld();
    await world.apply(cronJob({ successfulJobsHistoryLimit: 2 }));
    for (let i = 0; i < 4; i += 1) {
      await world.advance(5 * minute);
      await finishAll(world);
    }
    expect(jobs(world)).toEqual([nameAt("2026-01-01T00:15:00Z"), nameAt("2026-01-01T00:20:00Z")]);
  });
});

describe("schedules", () => {
  const at = (time: string) => Date.parse(time);

  it("follow the time zone", () => {
    const next = (zone?: string) => parseSchedule("0 3 * * *", zone).next(at("2026-07-01T00:00:00Z"));
    expect(next("Europe/Berlin")).toBe(at("2026-07-01T01:00:00Z"));
    expect(next("Etc/UTC")).toBe(at("2026-07-01T03:00:00Z"));
  });

  it.each([
    ["@hourly", "2026-01-01T01:00:00Z"],
    ["@every 90m", "2026-01-01T01:30:00Z"],
    ["30 2 * * 5", "2026-01-02T02:30:00Z"],
  ])("%s", (schedule, expected) => {
    expect(parseSchedule(schedule, "Etc/UTC").next(at("2026-01-01T00:00:00Z"))).toBe(at(expected));
  });

  it.each(["every day", "61 * * * *", "* * * *"])("refuse %s", (schedule) => {
    expect(() => parseSchedule(schedule, undefined)).toThrow();
  });

  it("find the last of very many missed times", () => {
    const object = { metadata: { creationTimestamp: "2026-01-01T00:00:00Z" }, spec: {} } as Stored<CronJob>;
    const due = findDue(object, parseSchedule("* * * * *", "Etc/UTC"), at("2026-01-08T00:00:30Z"));
    expect(due).toMatchObject({ missed: 101, dueMs: at("2026-01-08T00:00:00Z"), nextInMs: 30_000 });
  });
});
