import type { HorizontalPodAutoscalerSpec, MetricSpec } from "kubernetes-types/autoscaling/v2.js";
import type { Pod } from "kubernetes-types/core/v1.js";
import { describe, expect, it } from "vitest";
import { measure, type Sample } from "../../src/controllers/autoscaler/measure.ts";
import { type Memory, recommend } from "../../src/controllers/autoscaler/recommend.ts";
import type { ContainerUsage } from "../../src/kubelet/types.ts";
import { container, statefulSet, template } from "./support/manifests.ts";
import { openWorld } from "./support/world.ts";

const requesting = container({ resources: { requests: { cpu: "200m", memory: "100Mi" } } });
const usage = (milli: number, bytes = 0): ContainerUsage[] => [
  { name: "app", cpuNanoCores: milli * 1e6, memoryBytes: bytes },
];
const nowMs = Date.parse("2026-01-01T01:00:00Z");
const ago = (seconds: number): string => new Date(nowMs - seconds * 1000).toISOString();
/** Of a pod that started so many seconds ago and has been ready, or not ready, for so many. */
const sample = (used: ContainerUsage[] | undefined, isReady = true, started = 1000, since = 900): Sample => ({
  usage: used,
  pod: {
    metadata: { name: "p" },
    spec: { containers: [requesting] },
    status: {
      phase: "Running",
      startTime: ago(started),
      conditions: [{ type: "Ready", status: isReady ? "True" : "False", lastTransitionTime: ago(since) }],
    },
  } as Pod,
});
const pending: Sample = { usage: undefined, pod: { ...sample(undefined).pod, status: { phase: "Pending" } } };
const cpu = (averageUtilization: number): MetricSpec => ({
  type: "Resource",
  resource: { name: "cpu", target: { type: "Utilization", averageUtilization } },
});
const memory = (averageValue: string): MetricSpec => ({
  type: "Resource",
  resource: { name: "memory", target: { type: "AverageValue", averageValue } },
});

describe("measure", () => {
  it.each([
    ["twice the target doubles", cpu(50), [sample(usage(200)), sample(usage(200))], 2, 4],
    ["half the target halves", cpu(50), [sample(usage(50)), sample(usage(50))], 2, 1],
    ["within the tolerance nothing changes", cpu(50), [sample(usage(108))], 1, 1],
    ["a pod without measurement counts as idle on the way up", cpu(50), [sample(usage(200)), sample(undefined)], 2, 2],
    ["a pod without measurement counts as busy on the way down", cpu(50), [sample(usage(20)), sample(undefined)], 2, 2],
    ["a pod that waits for a node holds growth back", cpu(50), [sample(usage(200)), pending], 2, 2],
    ["a pod that waits for a node holds no shrinking back", cpu(50), [sample(usage(20)), pending], 2, 1],
    ["the CPU of a pod that starts is no load", cpu(50), [sample(usage(100)), sample(usage(900), false, 60, 60)], 2, 2],
    ["nor is that from before it was ready", cpu(50), [sample(usage(100)), sample(usage(900), true, 60, 14)], 2, 2],
    ["a whole window later it is", cpu(50), [sample(usage(100)), sample(usage(900), true, 60, 15)], 2, 10],
    [
      "later also that of a pod that isn't ready",
      cpu(50),
      [sample(usage(100)), sample(usage(900), false, 400, 60)],
      2,
      10,
    ],
    ["but not if it never was", cpu(50), [sample(usage(100)), sample(usage(900), false, 400, 400)], 2, 2],
    ["memory by value", memory("50Mi"), [sample(usage(0, 150 * 2 ** 20))], 1, 3],
  ])("%s", (_, metric, samples, replicas, expected) => {
    expect(measure(metric, samples, replicas, nowMs)).toMatchObject({ replicas: expected });
  });

  it("says what is missing", () => {
    expect(measure(cpu(50), [sample(undefined)], 1, nowMs)).toEqual({
      failure:
        "failed to get cpu utilization: unable to get metrics for resource cpu: no metrics returned from resource metrics API",
    });
    expect(measure(cpu(50), [sample(usage(900), false, 60, 60)], 1, nowMs)).toEqual({
      failure: "failed to get cpu utilization: did not receive metrics for targeted pods (pods might be unready)",
    });
    const bare = { ...sample(usage(1)), pod: { ...sample(undefined).pod, spec: { containers: [container()] } } };
    expect(measure(cpu(50), [bare], 1, nowMs)).toEqual({
      failure: "failed to get cpu utilization: missing request for cpu in container app of Pod p",
    });
  });
});

describe("recommend", () => {
  const none: Memory = { recommendations: [], changes: [] };
  const spec = (extra: Partial<HorizontalPodAutoscalerSpec> = {}) =>
    ({
      minReplicas: 1,
      maxReplicas: 20,
      scaleTargetRef: { kind: "Deployment", name: "web" },
      ...extra,
    }) as HorizontalPodAutoscalerSpec;
  const now = 1_000_000;

  it.each([
    ["grows at once", spec(), 3, 1, none, 3, "DesiredWithinRange"],
    ["grows at most by four pods or to the double in 15 s", spec(), 20, 6, none, 12, "ScaleUpLimit"],
    [
      "counts what was added within the period",
      spec(),
      20,
      6,
      { recommendations: [], changes: [{ atMs: now - 5_000, replicas: 4 }] },
      6,
      "ScaleUpLimit",
    ],
    [
      "shrinks only to the highest of five minutes",
      spec(),
      1,
      5,
      { recommendations: [{ atMs: now - 200_000, replicas: 4 }], changes: [] },
      4,
      "DesiredWithinRange",
    ],
    [
      "shrinks after that",
      spec(),
      1,
      5,
      { recommendations: [{ atMs: now - 301_000, replicas: 4 }], changes: [] },
      1,
      "DesiredWithinRange",
    ],
    ["keeps the maximum", spec({ maxReplicas: 4 }), 5, 3, none, 4, "TooManyReplicas"],
    ["keeps the minimum", spec({ minReplicas: 2 }), 1, 3, none, 2, "TooFewReplicas"],
    [
      "does not shrink where that is disabled",
      spec({ behavior: { scaleDown: { selectPolicy: "Disabled", stabilizationWindowSeconds: 0 } } }),
      1,
      3,
      none,
      3,
      "ScaleDownLimit",
    ],
  ])("%s", (_, each, wanted, current, memories, expected, reason) => {
    expect(recommend(each, wanted, current, memories, now)).toMatchObject({ replicas: expected, limit: { reason } });
  });
});

describe("HorizontalPodAutoscaler", () => {
  const scaler = {
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    metadata: { name: "web", namespace: "default" },
    spec: {
      minReplicas: 1,
      maxReplicas: 5,
      scaleTargetRef: { apiVersion: "apps/v1", kind: "StatefulSet", name: "web" },
      metrics: [cpu(50)],
    },
  };

  it("shrinks nothing that it has just found before the window is over", async () => {
    const world = await openWorld({ metrics: { usage: async () => usage(10) } });
    await world.apply(statefulSet("web", { replicas: 3, template: template({ containers: [requesting] }) }), scaler);
    const size = () => world.object("statefulsets.apps", "default", "web").spec.replicas;
    await world.advance(240_000);
    expect(size()).toBe(3);
    await world.advance(120_000);
    expect(size()).toBeLessThan(3);
  });

  it("scales by measured use, up at once and down after five minutes", async () => {
    let milli = 100;
    const world = await openWorld({ metrics: { usage: async () => usage(milli) } });
    await world.apply(statefulSet("web", { replicas: 1, template: template({ containers: [requesting] }) }), scaler);
    milli = 200;
    await world.advance(15_000);
    expect(world.object("statefulsets.apps", "default", "web").spec.replicas).toBe(2);
    expect(world.events("web")).toContain(
      "SuccessfulRescale: New size: 2; reason: cpu resource utilization (percentage of request) above target",
    );
    const { status } = world.object("horizontalpodautoscalers.autoscaling", "default", "web");
    expect(status).toMatchObject({
      currentReplicas: 1,
      desiredReplicas: 2,
      currentMetrics: [{ resource: { name: "cpu", current: { averageUtilization: 100, averageValue: "200m" } } }],
    });
    milli = 10;
    await world.advance(240_000);
    expect(world.object("statefulsets.apps", "default", "web").spec.replicas).toBeGreaterThan(1);
    await world.advance(120_000);
    expect(world.object("statefulsets.apps", "default", "web").spec.replicas).toBe(1);
    expect(world.failures).toEqual([]);
  });

  it("goes to its bounds at once, whatever is measured", async () => {
    const world = await openWorld();
    const sized = { ...scaler, spec: { ...scaler.spec, minReplicas: 3 } };
    await world.apply(statefulSet("web", { replicas: 1, template: template({ containers: [requesting] }) }), sized);
    const size = () => world.object("statefulsets.apps", "default", "web").spec.replicas;
    expect(size()).toBe(3);
    expect(world.events("web")).toContain(
      "SuccessfulRescale: New size: 3; reason: Current number of replicas below Spec.MinReplicas",
    );
    await world.store.modify<string>("horizontalpodautoscalers.autoscaling", "default", "web", (draft) => {
      Object.assign(draft.spec, { minReplicas: 1, maxReplicas: 2 });
    });
    await world.settle();
    expect(size()).toBe(2);
    expect(world.events("web")).toContain(
      "SuccessfulRescale: New size: 2; reason: Current number of replicas above Spec.MaxReplicas",
    );
  });

  it("says that there are no metrics", async () => {
    const world = await openWorld();
    await world.apply(statefulSet("web", { replicas: 1, template: template({ containers: [requesting] }) }), scaler);
    const { status } = world.object("horizontalpodautoscalers.autoscaling", "default", "web");
    expect(status.conditions).toContainEqual(
      expect.objectContaining({ type: "ScalingActive", status: "False", reason: "FailedGetResourceMetric" }),
    );
  });
});
