/** Containers and volumes that take more than they may. */
import type { Pod } from "kubernetes-types/core/v1.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { heapOption } from "../../src/kubelet/limits.ts";
import { type Fixture, isolationLevels, openFixture, phaseIs, sh } from "../kubelet/cluster-fixture.ts";

const lastEnd = (pod: Pod | undefined) => pod?.status?.containerStatuses?.[0]?.lastState?.terminated;

describe.each(isolationLevels)("limits with isolation %s", (level) => {
  let fixture: Fixture;
  beforeAll(async () => {
    fixture = await openFixture(level, { timing: { memoryCheckMs: 50, volumeCheckMs: 50 } });
  });
  afterAll(() => fixture.close());

  const eater = (megabytes: number) => [
    {
      name: "main",
      image: "node",
      command: ["node", "-e", `const held = Buffer.alloc(${megabytes} << 20, 1); setInterval(() => held, 1000)`],
      resources: { limits: { memory: "64Mi" } },
    },
  ];

  it("a container over its memory limit is ended: OOMKilled", async () => {
    await fixture.run("greedy", { containers: eater(200) });
    const pod = await fixture.until("greedy", (each) => lastEnd(each) !== undefined);
    expect(lastEnd(pod)).toMatchObject({ exitCode: 137, reason: "OOMKilled" });
    await fixture.store.delete("pods", "default", "greedy");
  });

  it("one within it is left alone", async () => {
    await fixture.run("modest", { containers: eater(20) });
    const ready = await fixture.until("modest", phaseIs("Running"));
    // Another pod is measured and ended meanwhile, so this one has been measured too.
    await fixture.run("other", { containers: eater(200) });
    await fixture.until("other", (each) => lastEnd(each)?.reason === "OOMKilled");
    expect(ready.status?.containerStatuses?.[0]?.restartCount).toBe(0);
    expect(fixture.store.get("pods", "default", "modest")?.status?.containerStatuses?.[0]?.restartCount).toBe(0);
  });

  it("a pod whose emptyDir grows over its limit is evicted", async () => {
    await fixture.run("hoarder", {
      volumes: [{ name: "cache", emptyDir: { sizeLimit: "1Mi" } }],
      containers: [
        {
          ...sh("main", "dd if=/dev/zero of=/cache/file bs=1M count=3 2>/dev/null; exec sleep 100"),
          volumeMounts: [{ name: "cache", mountPath: "/cache" }],
        },
      ],
    });
    const pod = await fixture.until("hoarder", phaseIs("Failed"));
    const message = 'Usage of EmptyDir volume "cache" exceeds the limit "1Mi". ';
    expect(pod.status).toMatchObject({ reason: "Evicted", message });
    expect(fixture.events).toContainEqual(expect.objectContaining({ reason: "Evicted", message }));
  });
});

describe("what Node is told of its limit", () => {
  it.each([
    [undefined, "", undefined],
    [512 * 2 ** 20, "", "--max-old-space-size=256"],
    [16 * 2 ** 20, "", "--max-old-space-size=32"],
    [512 * 2 ** 20, "--max-old-space-size=100", undefined],
  ])("%s bytes with %j: %s", (bytes, options, told) => expect(heapOption(bytes, options)).toBe(told));
});
