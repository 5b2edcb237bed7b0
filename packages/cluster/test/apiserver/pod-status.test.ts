import type { ContainerStatus, Pod } from "kubernetes-types/core/v1.js";
import { describe, expect, it } from "vitest";
import { summarizePod } from "../../src/apiserver/table/pod-status.ts";

const now = Date.parse("2026-01-01T01:00:00Z");
const status = (name: string, rest: Partial<ContainerStatus>): ContainerStatus => ({
  name,
  image: "i",
  imageID: "",
  ready: false,
  restartCount: 0,
  ...rest,
});
const running = { running: { startedAt: "2026-01-01T00:00:00Z" } };
const waiting = (reason: string) => ({ waiting: { reason } });
const ended = (exitCode: number, rest: object = {}) => ({ terminated: { exitCode, ...rest } });

const pod = (parts: { init?: object[]; status: Pod["status"]; deleted?: boolean; containers?: number }): Pod => ({
  metadata: { name: "p", ...(parts.deleted && { deletionTimestamp: "2026-01-01T00:00:00Z" }) },
  spec: {
    containers: Array.from({ length: parts.containers ?? 1 }, (_, i) => ({ name: `c${i}` })),
    ...(parts.init && { initContainers: parts.init as { name: string }[] }),
  },
  ...(parts.status && { status: parts.status }),
});

const rows: [what: string, pod: Pod, status: string, ready: string, restarts: string][] = [
  ["pending", pod({ status: { phase: "Pending" } }), "Pending", "0/1", "0"],
  [
    "running and ready",
    pod({ status: { phase: "Running", containerStatuses: [status("c0", { ready: true, state: running })] } }),
    "Running",
    "1/1",
    "0",
  ],
  [
    "waiting to restart",
    pod({
      status: {
        phase: "Running",
        containerStatuses: [
          status("c0", {
            restartCount: 3,
            state: waiting("CrashLoopBackOff"),
            lastState: ended(1, { finishedAt: "2026-01-01T00:55:00Z" }),
          }),
        ],
      },
    }),
    "CrashLoopBackOff",
    "0/1",
    "3 (5m ago)",
  ],
  [
    "first init container running",
    pod({
      init: [{ name: "i0" }, { name: "i1" }],
      status: {
        phase: "Pending",
        initContainerStatuses: [status("i0", { state: running }), status("i1", { state: waiting("PodInitializing") })],
        containerStatuses: [status("c0", { state: waiting("PodInitializing") })],
      },
    }),
    "Init:0/2",
    "0/1",
    "0",
  ],
  [
    "init container failed",
    pod({
      init: [{ name: "i0" }],
      status: { phase: "Pending", initContainerStatuses: [status("i0", { state: ended(3), restartCount: 2 })] },
    }),
    "Init:ExitCode:3",
    "0/1",
    "2",
  ],
  [
    "init container backs off",
    pod({
      init: [{ name: "i0" }],
      status: { phase: "Pending", initContainerStatuses: [status("i0", { state: waiting("CrashLoopBackOff") })] },
    }),
    "Init:CrashLoopBackOff",
    "0/1",
    "0",
  ],
  [
    "init containers done",
    pod({
      init: [{ name: "i0" }],
      status: {
        phase: "Pending",
        initContainerStatuses: [status("i0", { state: ended(0) })],
        containerStatuses: [status("c0", { state: waiting("PodInitializing") })],
      },
    }),
    "PodInitializing",
    "0/1",
    "0",
  ],
  [
    "sidecar counts",
    pod({
      init: [{ name: "side", restartPolicy: "Always" }],
      status: {
        phase: "Running",
        initContainerStatuses: [status("side", { state: running, started: true, ready: true, restartCount: 1 })],
        containerStatuses: [status("c0", { state: running, ready: true })],
      },
    }),
    "Running",
    "2/2",
    "1",
  ],
  [
    "completed",
    pod({
      status: { phase: "Succeeded", containerStatuses: [status("c0", { state: ended(0, { reason: "Completed" }) })] },
    }),
    "Completed",
    "0/1",
    "0",
  ],
  [
    "failed",
    pod({ status: { phase: "Failed", containerStatuses: [status("c0", { state: ended(1, { reason: "Error" }) })] } }),
    "Error",
    "0/1",
    "0",
  ],
  [
    "killed by a signal",
    pod({ status: { phase: "Failed", containerStatuses: [status("c0", { state: ended(0, { signal: 9 }) })] } }),
    "Signal:9",
    "0/1",
    "0",
  ],
  [
    "one of two ended",
    pod({
      containers: 2,
      status: {
        phase: "Running",
        conditions: [{ type: "Ready", status: "True" }],
        containerStatuses: [
          status("c0", { state: ended(0, { reason: "Completed" }) }),
          status("c1", { state: running, ready: true }),
        ],
      },
    }),
    "Running",
    "1/2",
    "0",
  ],
  ["evicted", pod({ status: { phase: "Failed", reason: "Evicted" } }), "Evicted", "0/1", "0"],
  ["being deleted", pod({ deleted: true, status: { phase: "Running" } }), "Terminating", "0/1", "0"],
  ["deleted after its end", pod({ deleted: true, status: { phase: "Succeeded" } }), "Succeeded", "0/1", "0"],
  ["on a lost node", pod({ deleted: true, status: { phase: "Running", reason: "NodeLost" } }), "Unknown", "0/1", "0"],
];

describe("summarizePod", () => {
  it.each(rows)("%s", (_what, object, expected, ready, restarts) => {
    expect(summarizePod(object, now)).toEqual({ status: expected, ready, restarts });
  });
});
