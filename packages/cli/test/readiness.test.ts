import type { StatefulSet } from "kubernetes-types/apps/v1.js";
import type { Pod, Service } from "kubernetes-types/core/v1.js";
import type { EndpointSlice } from "kubernetes-types/discovery/v1.js";
import { describe, expect, it } from "vitest";
import { optionalNote, podHopeless, servicePending, unprobed, workloadPending } from "../src/readiness.ts";

const set = (status: object, replicas = 3): StatefulSet =>
  ({ kind: "StatefulSet", metadata: { name: "db", generation: 2 }, spec: { replicas }, status }) as StatefulSet;

describe("workloadPending", () => {
  it.each([
    [
      set({ observedGeneration: 1, readyReplicas: 3, updatedReplicas: 3 }),
      "statefulset/db to be seen by its controller",
    ],
    [set({ observedGeneration: 2 }), "statefulset/db: 0 of 3 pods ready"],
    [set({ observedGeneration: 2, readyReplicas: 2, updatedReplicas: 3 }), "statefulset/db: 2 of 3 pods ready"],
    [set({ observedGeneration: 2, readyReplicas: 3, updatedReplicas: 1 }), "statefulset/db: 1 of 3 pods updated"],
    [set({ observedGeneration: 2, readyReplicas: 3, updatedReplicas: 3 }), undefined],
    [set({ observedGeneration: 2 }, 0), undefined],
  ])("names what is missing (%#)", (object, expected) => {
    expect(workloadPending(object)).toBe(expected);
  });
});

describe("servicePending", () => {
  const service = {
    kind: "Service",
    metadata: { name: "db" },
    spec: { selector: { role: "master" } },
  } as unknown as Service;
  const slice = (ready?: boolean) =>
    ({ endpoints: [{ addresses: ["127.0.0.9"], conditions: { ready } }] }) as unknown as EndpointSlice;

  it("waits for a ready endpoint; one that does not say counts as ready", () => {
    expect(servicePending(service, [])).toBe("service/db to have an endpoint (role=master)");
    expect(servicePending(service, [slice(false)])).toBeDefined();
    expect(servicePending(service, [slice(false), slice(true)])).toBeUndefined();
    expect(servicePending(service, [slice(undefined)])).toBeUndefined();
  });

  it("asks nothing of a Service without a selector", () => {
    expect(servicePending({ ...service, spec: {} } as Service, [])).toBeUndefined();
  });
});

describe("optionalNote", () => {
  it("is there only where the manifest says what its absence means", () => {
    expect(optionalNote(set({}))).toBeUndefined();
    const annotations = { "coracle.dev/optional": "limits are local" };
    expect(optionalNote({ metadata: { annotations } })).toBe("limits are local");
  });
});

describe("podHopeless", () => {
  const pod = (reason: string, restartCount = 0): Pod =>
    ({
      metadata: { name: "p" },
      status: { containerStatuses: [{ name: "c", restartCount, state: { waiting: { reason, message: "why" } } }] },
    }) as Pod;

  it("gives up on images and configuration at once, on crashes after a few", () => {
    expect(podHopeless(pod("ErrImagePull"))).toBe("container c of pod p: ErrImagePull: why");
    expect(podHopeless(pod("CrashLoopBackOff", 1))).toBeUndefined();
    expect(podHopeless(pod("CrashLoopBackOff", 3))).toContain("CrashLoopBackOff");
    expect(podHopeless(pod("ContainerCreating"))).toBeUndefined();
  });
});

describe("unprobed", () => {
  const pod = (state: string, restartCount = 0): Pod =>
    ({
      metadata: { uid: "u" },
      spec: { containers: [{ name: "main" }, { name: "watched", readinessProbe: {} }] },
      status: {
        containerStatuses: ["main", "watched"].map((name) => ({ name, restartCount, state: { [state]: {} } })),
      },
    }) as unknown as Pod;

  it("names a container only where no readiness probe vouches for it, and anew with each start and end", () => {
    expect(unprobed(pod("running"))).toEqual(["u/main/0/running"]);
    expect(unprobed(pod("terminated"))).toEqual(["u/main/0/terminated"]);
    expect(unprobed(pod("running", 1))).toEqual(["u/main/1/running"]);
  });
});
