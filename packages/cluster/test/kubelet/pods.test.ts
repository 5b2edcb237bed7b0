import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Fixture, isReady, openFixture, phaseIs, sh } from "./cluster-fixture.ts";

describe.each(["namespaces", "plain"] as const)("pods with isolation %s", (isolation) => {
  let fixture: Fixture;
  beforeAll(async () => {
    fixture = await openFixture(isolation);
  });
  afterAll(() => fixture.close());

  it("runs init containers in order, then the main container to its end", async () => {
    const { until, run, logs } = fixture;
    const work = { volumeMounts: [{ name: "work", mountPath: "/work-dir" }] };
    await run("job", {
      restartPolicy: "Never",
      volumes: [{ name: "work", emptyDir: {} }],
      initContainers: [
        { ...sh("one", "echo one >> /work-dir/log"), ...work },
        { ...sh("two", "echo two >> /work-dir/log"), ...work },
      ],
      containers: [{ ...sh("main", "cat /work-dir/log; echo done; exit 3"), ...work }],
    });
    const pod = await until("job", phaseIs("Failed"));
    expect(await logs("job")).toBe("one\ntwo\ndone\n");
    expect(pod.status?.containerStatuses?.[0]?.state?.terminated).toMatchObject({ exitCode: 3, reason: "Error" });
    expect(pod.status?.initContainerStatuses?.map(({ state }) => state?.terminated?.reason)).toEqual([
      "Completed",
      "Completed",
    ]);
  });

  it("is ready at once without probes, and ends on deletion", async () => {
    await fixture.run("web", {
      containers: [sh("main", "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.1; done")],
    });
    const pod = await fixture.until("web", isReady);
    expect(pod.status).toMatchObject({
      phase: "Running",
      hostIP: expect.stringMatching(/^127\./),
      podIP: expect.stringMatching(/^127\./),
    });
    await fixture.store.delete("pods", "default", "web");
    await fixture.until("web", (each) => each === undefined);
  });
});
