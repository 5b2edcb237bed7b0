/** The pod's state machine by table: facts in, actions and status out, on a clock that only the test moves. */
import type { Container, Pod, PodSpec } from "kubernetes-types/core/v1.js";
import { describe, expect, it } from "vitest";
import { defaultTiming } from "../../src/kubelet/options.ts";
import { type Action, decide } from "../../src/kubelet/pod/decide.ts";
import { type Fact, reduce } from "../../src/kubelet/pod/facts.ts";
import { notesOn } from "../../src/kubelet/pod/notes.ts";
import { initialState, type PodState } from "../../src/kubelet/pod/state.ts";
import { podStatus } from "../../src/kubelet/pod/status.ts";

const epoch = Date.parse("2026-01-01T00:00:00Z");

class Machine {
  readonly pod: Pod;
  readonly events: string[] = [];
  state: PodState;
  now = epoch;

  constructor(spec: Partial<PodSpec>) {
    const containers = spec.containers ?? [{ name: "main", image: "busybox" }];
    this.pod = { metadata: { name: "p", namespace: "ns", uid: "u" }, spec: { ...spec, containers } };
    this.state = initialState(this.pod, this.now);
  }

  tell(...facts: Fact[]): this {
    for (const fact of facts) {
      this.state = reduce(this.state, fact, { pod: this.pod, now: this.now, timing: defaultTiming });
      this.events.push(...notesOn(fact, this.state, this.pod).map(({ reason }) => reason));
    }
    return this;
  }

  wait(seconds: number): this {
    this.now += seconds * 1000;
    return this;
  }

  prepare(): this {
    return this.tell({ type: "preparing" }, { type: "prepared", podIP: "127.1.16.1" });
  }

  start(name = "main"): this {
    return this.tell({ type: "starting", name }, { type: "started", name, containerID: `coracle://${name}` });
  }

  exit(exitCode: number, name = "main"): this {
    return this.tell({ type: "exited", name, exitCode });
  }

  get actions(): string[] {
    return decide(this.pod, this.state, this.now).actions.map(describeAction);
  }

  /** Seconds until something is due. */
  get wakesIn(): number {
    return (decide(this.pod, this.state, this.now).wakeAt - this.now) / 1000;
  }

  get status() {
    return podStatus(this.pod, this.state, "127.1.1.1", this.now);
  }

  condition(type: string) {
    return this.status.conditions?.find((each) => each.type === type);
  }
}

const describeAction = (action: Action): string =>
  [
    "name" in action ? `${action.type} ${action.name}` : action.type,
    "kind" in action && action.kind,
    "graceMs" in action && action.graceMs,
  ]
    .filter((part) => part !== false)
    .join(" ");

const named = (name: string, more: Partial<Container> = {}): Container => ({ name, image: "busybox", ...more });

describe("starting", () => {
  it("prepares once, then starts the containers together", () => {
    const machine = new Machine({ containers: [named("a"), named("b")] });
    expect(machine.actions).toEqual(["prepare"]);
    expect(machine.tell({ type: "preparing" }).actions).toEqual([]);
    expect(machine.tell({ type: "prepared", podIP: "127.1.16.1" }).actions).toEqual(["start a", "start b"]);
    expect(machine.tell({ type: "starting", name: "a" }).actions).toEqual(["start b"]);
  });

  it("tries a failed mount again with growing delays", () => {
    const machine = new Machine({}).tell({ type: "preparing" }, { type: "prepareFailed", message: "no" });
    expect(machine.actions).toEqual([]);
    expect(machine.wakesIn).toBe(0.5);
    expect(machine.wait(0.5).actions).toEqual(["prepare"]);
    machine.tell({ type: "preparing" }, { type: "prepareFailed", message: "no" });
    expect(machine.wakesIn).toBe(1);
    expect(machine.events).toEqual(["FailedMount", "FailedMount"]);
  });

  it("tries at once when what it waited for has changed", () => {
    const failure = { reason: "CreateContainerConfigError", message: 'configmap "x" not found' };
    const machine = new Machine({})
      .prepare()
      .tell({ type: "starting", name: "main" }, { type: "startFailed", name: "main", ...failure });
    expect(machine.actions).toEqual([]);
    expect(machine.tell({ type: "sourceChanged" }).actions).toEqual(["start main"]);
  });

  it("runs init containers one after the other", () => {
    const machine = new Machine({ initContainers: [named("one"), named("two")] }).prepare();
    expect(machine.actions).toEqual(["start one"]);
    expect(machine.status.containerStatuses?.[0]?.state?.waiting?.reason).toBe("PodInitializing");
    expect(machine.start("one").actions).toEqual([]);
    expect(machine.exit(0, "one").actions).toEqual(["start two"]);
    expect(machine.condition("Initialized")).toMatchObject({
      status: "False",
      reason: "ContainersNotInitialized",
      message: "containers with incomplete status: [two]",
    });
    machine.start("two").exit(0, "two");
    expect(machine.actions).toEqual(["start main"]);
    expect(machine.condition("Initialized")?.status).toBe("True");
  });

  it("lets a sidecar run beside the containers after it, and ends it last", () => {
    const sidecar = { ...named("side"), restartPolicy: "Always" } as Container;
    const machine = new Machine({ restartPolicy: "Never", initContainers: [sidecar, named("init")] }).prepare();
    expect(machine.actions).toEqual(["start side"]);
    expect(machine.start("side").actions).toEqual(["start init"]);
    machine.start("init").exit(0, "init").start();
    expect(machine.status.phase).toBe("Running");
    expect(machine.exit(0).actions).toEqual(["stop side 30000"]);
    machine.tell({ type: "stopping", name: "side" }).exit(143, "side");
    expect(machine.actions).toEqual([]);
    expect(machine.status.phase).toBe("Succeeded");
  });
});

describe("restarting", () => {
  it.each([
    ["Always", 0, ["start main"], "Running"],
    ["Always", 1, ["start main"], "Running"],
    ["OnFailure", 0, [], "Succeeded"],
    ["OnFailure", 1, ["start main"], "Running"],
    ["Never", 0, [], "Succeeded"],
    ["Never", 1, [], "Failed"],
  ])("under %s after exit code %d", (restartPolicy, code, actions, phase) => {
    const machine = new Machine({ restartPolicy }).prepare().start().exit(code);
    expect(machine.actions).toEqual(actions);
    expect(machine.status.phase).toBe(phase);
  });

  it("waits 0, 10, 20, 40 ... 300 seconds, and starts over after ten good minutes", () => {
    const machine = new Machine({}).prepare();
    const delays = Array.from({ length: 8 }, () => {
      machine.start().exit(1);
      const delay = machine.actions.includes("start main")
        ? 0
        : (machine.state.containers.main?.retryAt ?? 0) - machine.now;
      machine.wait(delay / 1000);
      return delay / 1000;
    });
    expect(delays).toEqual([0, 10, 20, 40, 80, 160, 300, 300]);
    machine.start().wait(600).exit(1);
    expect(machine.actions).toEqual(["start main"]);
  });

  it("shows the end first, then CrashLoopBackOff with the delay", () => {
    const machine = new Machine({}).prepare().start().exit(1).start().exit(2);
    expect(machine.status.containerStatuses?.[0]).toMatchObject({
      restartCount: 1,
      state: { terminated: { exitCode: 2, reason: "Error" } },
    });
    expect(machine.wakesIn).toBe(1);
    expect(machine.wait(1).actions).toEqual(["announce main"]);
    machine.tell({ type: "announced", name: "main" });
    const message = "back-off 10s restarting failed container=main pod=p_ns(u)";
    expect(machine.status.containerStatuses?.[0]).toMatchObject({
      state: { waiting: { reason: "CrashLoopBackOff", message } },
      lastState: { terminated: { exitCode: 2 } },
    });
    expect(machine.events.at(-1)).toBe("BackOff");
  });

  it("fails the pod when an init container fails under Never", () => {
    const machine = new Machine({ restartPolicy: "Never", initContainers: [named("init")] })
      .prepare()
      .start("init")
      .exit(1, "init");
    expect(machine.actions).toEqual([]);
    expect(machine.status.phase).toBe("Failed");
  });

  it("tries an image again: ErrImagePull, then ImagePullBackOff", () => {
    const failure = { type: "startFailed", name: "main", reason: "ErrImagePull", message: "maps to nothing" } as const;
    const machine = new Machine({}).prepare().tell({ type: "starting", name: "main" }, failure);
    expect(machine.status.containerStatuses?.[0]?.state?.waiting).toEqual({
      reason: "ErrImagePull",
      message: "maps to nothing",
    });
    expect(machine.wait(1).actions).toEqual(["announce main"]);
    machine.tell({ type: "announced", name: "main" });
    expect(machine.status.containerStatuses?.[0]?.state?.waiting?.reason).toBe("ImagePullBackOff");
    expect(machine.wait(9).actions).toEqual(["start main"]);
    expect(machine.status.phase).toBe("Pending");
    expect(machine.events).toEqual(["Pulling", "Failed", "Failed", "BackOff", "Failed"]);
  });
});

describe("probes", () => {
  const probe = { tcpSocket: { port: 1 } };
  const probed = (kind: "startup" | "liveness" | "readiness", ok: boolean) =>
    ({ type: "probed", name: "main", kind, ok, output: "refused" }) as const;

  it("asks startup first, the others after it", () => {
    const main = named("main", { startupProbe: probe, livenessProbe: probe, readinessProbe: probe });
    const machine = new Machine({ containers: [main] }).prepare().start();
    expect(machine.actions).toEqual(["probe main startup"]);
    expect(machine.tell({ type: "probing", name: "main", kind: "startup" }).actions).toEqual([]);
    expect(machine.tell(probed("startup", true)).actions).toEqual(["probe main liveness", "probe main readiness"]);
  });

  it("waits for the initial delay, and asks readiness eagerly in the first period only", () => {
    const main = named("main", { readinessProbe: { ...probe, initialDelaySeconds: 5 } });
    const machine = new Machine({ containers: [main] }).prepare().start();
    expect(machine.wakesIn).toBe(5);
    machine.wait(5);
    const pauses: number[] = [];
    for (let round = 0; round < 10; round++) {
      machine.tell({ type: "probing", name: "main", kind: "readiness" }, probed("readiness", false));
      pauses.push(machine.wakesIn);
      machine.wait(machine.wakesIn);
    }
    expect(pauses).toEqual([0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10, 10]);
    expect(machine.events.filter((reason) => reason === "Unhealthy")).toHaveLength(2);
    expect(machine.condition("Ready")?.status).toBe("False");
    machine.tell(probed("readiness", true));
    expect(machine.condition("Ready")?.status).toBe("True");
  });

  it("turns unready after failureThreshold failures, not before", () => {
    const main = named("main", { readinessProbe: { ...probe, failureThreshold: 2 } });
    const machine = new Machine({ containers: [main] }).prepare().start().tell(probed("readiness", true));
    expect(machine.tell(probed("readiness", false)).condition("Ready")?.status).toBe("True");
    expect(machine.tell(probed("readiness", false)).condition("Ready")).toMatchObject({
      status: "False",
      reason: "ContainersNotReady",
      message: "containers with unready status: [main]",
    });
  });

  it("ends the container when liveness has failed too often, with the probe's own grace", () => {
    const main = named("main", {
      livenessProbe: { ...probe, terminationGracePeriodSeconds: 3 } as Container["livenessProbe"],
    });
    const machine = new Machine({ containers: [main] }).prepare().start();
    for (let round = 0; round < 3; round++) machine.tell(probed("liveness", false));
    expect(machine.actions).toEqual(["stop main 3000"]);
    expect(machine.events.slice(-4)).toEqual(["Unhealthy", "Unhealthy", "Unhealthy", "Killing"]);
    machine.tell({ type: "stopping", name: "main" });
    expect(machine.actions).toEqual([]);
    expect(machine.exit(143).actions).toEqual(["start main"]);
  });
});

describe("ending", () => {
  it("is unready at once on deletion, stops, then removes", () => {
    const machine = new Machine({}).prepare().start();
    expect(machine.condition("Ready")?.status).toBe("True");
    machine.tell({ type: "deleted", graceMs: 5000 });
    expect(machine.condition("Ready")?.status).toBe("False");
    expect(machine.status.containerStatuses?.[0]?.ready).toBe(false);
    expect(machine.actions).toEqual(["stop main 5000"]);
    machine.tell({ type: "stopping", name: "main" });
    expect(machine.actions).toEqual([]);
    expect(machine.exit(0).actions).toEqual(["remove"]);
    expect(machine.status.phase).toBe("Succeeded");
  });

  it("shortens the grace period but never lengthens it", () => {
    const machine = new Machine({}).tell(
      { type: "deleted", graceMs: 5000 },
      { type: "deleted", graceMs: 0 },
      { type: "deleted", graceMs: 9000 },
    );
    expect(machine.state.deletion?.graceMs).toBe(0);
  });

  it("waits for a start under way before it removes", () => {
    const machine = new Machine({}).prepare().tell({ type: "starting", name: "main" }, { type: "deleted", graceMs: 0 });
    expect(machine.actions).toEqual([]);
    expect(machine.tell({ type: "started", name: "main", containerID: "x" }).actions).toEqual(["stop main 0"]);
  });

  it("removes a pod that has never begun", () => {
    expect(new Machine({}).tell({ type: "deleted", graceMs: 30_000 }).actions).toEqual(["remove"]);
  });

  it("fails the pod at its deadline", () => {
    const machine = new Machine({ activeDeadlineSeconds: 60 }).prepare().start();
    expect(machine.wakesIn).toBe(60);
    expect(machine.wait(60).actions).toEqual(["fail"]);
    machine.tell({ type: "failed", reason: "DeadlineExceeded", message: "too long" });
    expect(machine.actions).toEqual(["stop main 30000"]);
    machine.tell({ type: "stopping", name: "main" }).exit(143);
    expect(machine.status).toMatchObject({ phase: "Failed", reason: "DeadlineExceeded" });
  });
});

describe("the status", () => {
  it("keeps the time of a condition that has not changed", () => {
    const machine = new Machine({}).prepare().start();
    const pod = { ...machine.pod, status: machine.status };
    const later = podStatus(pod, machine.state, "127.1.1.1", machine.now + 60_000);
    expect(later.conditions?.map(({ lastTransitionTime }) => lastTransitionTime)).toEqual(
      machine.status.conditions?.map(({ lastTransitionTime }) => lastTransitionTime),
    );
  });

  it("holds readiness back for a gate", () => {
    const machine = new Machine({ readinessGates: [{ conditionType: "example.com/ok" }] }).prepare().start();
    expect(machine.condition("ContainersReady")?.status).toBe("True");
    expect(machine.condition("Ready")).toMatchObject({ status: "False", reason: "ReadinessGatesNotReady" });
  });

  it.each([
    [{}, "BestEffort"],
    [{ requests: { cpu: "1" } }, "Burstable"],
    [{ limits: { cpu: "1", memory: "1Gi" } }, "Guaranteed"],
    [{ limits: { cpu: "1", memory: "1Gi" }, requests: { cpu: "500m" } }, "Burstable"],
  ])("derives the QoS class of %j", (resources, expected) => {
    expect(new Machine({ containers: [named("main", { resources })] }).status.qosClass).toBe(expected);
  });
});
