import { describe, expect, it } from "vitest";
import { createEventRecorder } from "../../src/machinery/events.ts";
import { pod } from "./support/manifests.ts";
import { openWorld, type World } from "./support/world.ts";

async function openRecorder() {
  const world = await openWorld({ nodes: [] });
  const record = createEventRecorder(world);
  const created = await world.store.create("pods", pod("p", { spec: { schedulerName: "other" } }));
  const drain = async () => {
    for (let i = 0; i < 10; i += 1) await new Promise((resolve) => setImmediate(resolve));
    await world.settle();
  };
  return { world, record, created, drain };
}
const about = (world: World) => world.store.list("events").filter(({ involvedObject }) => involvedObject.name === "p");

describe("events", () => {
  it("have Kubernetes' shape", async () => {
    const { world, record, created, drain } = await openRecorder();
    record(created, "Warning", "BackOff", "Back-off restarting", "kubelet", "node-1");
    await drain();
    const [event] = about(world);
    expect(event?.metadata.name).toMatch(/^p\.[0-9a-f]{16}$/);
    expect(event).toMatchObject({
      involvedObject: { apiVersion: "v1", kind: "Pod", namespace: "default", name: "p", uid: created.metadata.uid },
      type: "Warning",
      reason: "BackOff",
      message: "Back-off restarting",
      source: { component: "kubelet", host: "node-1" },
      reportingComponent: "kubelet",
      reportingInstance: "node-1",
      firstTimestamp: "2026-01-01T00:00:00Z",
      lastTimestamp: "2026-01-01T00:00:00Z",
      count: 1,
    });
  });

  it("are counted when they repeat", async () => {
    const { world, record, created, drain } = await openRecorder();
    for (let i = 0; i < 3; i += 1) record(created, "Warning", "BackOff", "again", "kubelet");
    await drain();
    await world.advance(5_000);
    record(created, "Warning", "BackOff", "again", "kubelet");
    await drain();
    expect(about(world)).toMatchObject([
      { count: 4, firstTimestamp: "2026-01-01T00:00:00Z", lastTimestamp: "2026-01-01T00:00:05Z" },
    ]);
  });

  it("of many messages are combined from the eleventh on", async () => {
    const { world, record, created, drain } = await openRecorder();
    for (let i = 0; i < 14; i += 1) record(created, "Warning", "Unhealthy", `probe ${i}`, "kubelet");
    await drain();
    expect(about(world)).toHaveLength(11);
    expect(about(world).at(-1)).toMatchObject({ count: 4, message: "(combined from similar events): probe 13" });
  });

  it("of one object are held back after 25, then let through every five minutes", async () => {
    const { world, record, created, drain } = await openRecorder();
    for (let i = 0; i < 40; i += 1) record(created, "Warning", "BackOff", "again", "kubelet");
    await drain();
    expect(about(world)[0]?.count).toBe(25);
    await world.advance(300_000);
    for (let i = 0; i < 5; i += 1) record(created, "Warning", "BackOff", "again", "kubelet");
    await drain();
    expect(about(world)[0]?.count).toBe(26);
  });

  it("never fail the caller", async () => {
    const { world, record, created, drain } = await openRecorder();
    record({ ...created, metadata: { ...created.metadata, namespace: "nowhere" } }, "Normal", "X", "x", "test");
    await drain();
    expect(about(world)).toEqual([]);
  });

  it("go an hour after they were last seen", async () => {
    const { world, record, created, drain } = await openRecorder();
    record(created, "Normal", "Started", "started", "kubelet");
    await drain();
    await world.advance(3_599_000);
    expect(about(world)).toHaveLength(1);
    await world.advance(1_000);
    expect(about(world)).toEqual([]);
  });
});
