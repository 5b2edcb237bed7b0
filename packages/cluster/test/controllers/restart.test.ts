import { describe, expect, it } from "vitest";
import { startControllers } from "../../src/controllers/start.ts";
import { claimTemplate, service, statefulSet, template } from "./support/manifests.ts";
import { openWorld, type World } from "./support/world.ts";

const busy = async (): Promise<World> => {
  const world = await openWorld({ nodes: ["a", "b"], apiServer: { host: "127.10.0.1", port: 6443 } });
  const selector = { matchLabels: { app: "web" } };
  const workload = (kind: string, apiVersion: string, spec: object) => ({
    apiVersion,
    kind,
    metadata: { name: kind.toLowerCase(), namespace: "default" },
    spec,
  });
  const jobTemplate = { spec: { template: template({ restartPolicy: "Never" }, {}) } };
  await world.apply(
    service("web", { selector: { app: "web" }, ports: [{ port: 80 }] }),
    statefulSet("db", {
      volumeClaimTemplates: [claimTemplate("data")],
      template: template({}, { app: "db" }),
      selector: { matchLabels: { app: "db" } },
    }),
    workload("Deployment", "apps/v1", { replicas: 2, selector, template: template() }),
    workload("DaemonSet", "apps/v1", {
      selector: { matchLabels: { app: "agent" } },
      template: template({}, { app: "agent" }),
    }),
    workload("Job", "batch/v1", jobTemplate.spec),
    workload("CronJob", "batch/v1", { schedule: "0 * * * *", jobTemplate }),
    workload("PodDisruptionBudget", "policy/v1", { minAvailable: 1, selector }),
  );
  return world;
};

describe("controllers", () => {
  it("write nothing once everything is as it should be, nor after a restart", async () => {
    const world = await busy();
    const before = world.store.resourceVersion;
    await world.settle();
    expect(world.store.resourceVersion).toBe(before);
    await world.controllers.stop();
    const options = { volumesDir: world.volumesDir, apiServer: { host: "127.10.0.1", port: 6443 } };
    const again = startControllers({ store: world.store, clock: world.clock, caPem: "PEM", options });
    await again.idle();
    await again.stop();
    expect(world.store.resourceVersion).toBe(before);
    expect(world.failures).toEqual([]);
  });

  it("do after a restart what became due meanwhile", async () => {
    const world = await busy();
    await world.controllers.stop();
    await world.store.delete("pods", "default", "db-1");
    await world.kubelet.idle();
    expect(world.store.get("pods", "default", "db-1")).toBeUndefined();
    const options = { volumesDir: world.volumesDir };
    const again = startControllers({ store: world.store, clock: world.clock, caPem: "PEM", options });
    await again.idle();
    await again.stop();
    expect(world.object("pods", "default", "db-1").spec.nodeName).toMatch(/^[ab]$/);
  });

  it("leave no timer and no subscription behind, and may be stopped twice", async () => {
    const world = await busy();
    await world.kubelet.stop();
    await world.controllers.stop();
    await world.controllers.stop();
    expect(world.clock.pending).toBe(0);
    const before = world.store.resourceVersion;
    await world.store.delete("pods", "default", "db-1", { gracePeriodSeconds: 0 });
    await new Promise((resolve) => setImmediate(resolve));
    expect(Number(world.store.resourceVersion)).toBe(Number(before) + 1);
  });
});
