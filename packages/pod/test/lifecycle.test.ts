import { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import { runPod } from "../src/lifecycle/run-pod.ts";
import type { Phase, PodProcess, RunPodOptions } from "../src/lifecycle/types.ts";
import { captureLog, until } from "./capture.ts";

class FakeProcess extends EventEmitter implements PodProcess {
  readonly codes: number[] = [];
  exit(code: number): void {
    this.codes.push(code);
  }
}

function setup(phases: readonly Phase[], options: Partial<RunPodOptions> = {}) {
  const process = new FakeProcess();
  const { logger, messages } = captureLog();
  const events: string[] = [];
  const health = { hold: (reason: string | undefined) => void events.push(`hold ${reason ?? "off"}`) };
  const run = () => runPod({ phases, logger, health, process, drainMs: 1, ...options });
  return { process, messages, events, run };
}

const recorded = (events: string[], name: string): Phase => ({
  name,
  start: () => void events.push(`start ${name}`),
  stop: () => void events.push(`stop ${name}`),
});

test("starts in order, goes unready on SIGTERM, stops in reverse, exits 0", async () => {
  const phases: Phase[] = [];
  const { process, events, run } = setup(phases);
  phases.push(recorded(events, "a"), recorded(events, "b"));
  const pod = await run();
  expect(events).toEqual(["hold starting", "start a", "start b", "hold off"]);
  process.emit("SIGTERM", "SIGTERM");
  expect(pod.signal.aborted).toBe(true);
  expect(await pod.stop("again")).toBe(0);
  expect(events.slice(4)).toEqual(["hold stopping: SIGTERM", "stop b", "stop a"]);
  expect(process.codes).toEqual([0]);
  expect(process.eventNames()).toEqual([]);
});

test("a phase that fails to start takes the earlier ones down and the process with it", async () => {
  const phases: Phase[] = [];
  const { process, events, run } = setup(phases);
  const bad = () => Promise.reject(new RangeError("no disk"));
  phases.push(recorded(events, "a"), { name: "b", start: bad, stop: () => void events.push("stop b") });
  await expect(run()).rejects.toThrow("no disk");
  expect(events.filter((event) => event.startsWith("stop"))).toEqual(["stop a"]);
  expect(process.codes).toEqual([1]);
});

test("a phase that fails to stop doesn't keep the others from stopping", async () => {
  const phases: Phase[] = [];
  const { events, run, messages } = setup(phases);
  phases.push(recorded(events, "a"), { name: "b", stop: () => Promise.reject(new RangeError("stuck")) });
  const pod = await run();
  expect(await pod.stop("test")).toBe(0);
  expect(events).toContain("stop a");
  expect(messages()).toContain("a phase failed to stop; going on");
});

test("a phase that never stops is told to hurry, then the process exits with 1", async () => {
  let isHurried = false;
  const stop = (hurry: AbortSignal) =>
    new Promise<void>(() => {
      hurry.addEventListener("abort", () => {
        isHurried = true;
      });
    });
  const { process, run } = setup([{ name: "a", stop }], { graceMs: 50 });
  const pod = await run();
  expect(await pod.stop("test")).toBe(1);
  expect([isHurried, process.codes]).toEqual([true, [1]]);
});

test("a second signal exits at once", async () => {
  const { process, run } = setup([{ name: "a", stop: () => new Promise<void>(() => undefined) }], { graceMs: 60 });
  const pod = await run();
  process.emit("SIGTERM", "SIGTERM");
  process.emit("SIGINT", "SIGINT");
  expect(process.codes).toEqual([130]);
  await pod.stop("wait for the end");
});

test.each([
  ["rejects", () => Promise.reject(new RangeError("boom"))],
  ["ends on its own", () => Promise.resolve()],
])("a task that %s stops the pod with 1", async (_, task) => {
  const { process, run, messages } = setup([]);
  const pod = await run();
  pod.supervise("writer", task);
  await until("exit", () => process.codes.length > 0);
  expect(process.codes).toEqual([1]);
  expect(messages()).toContain("a task died, so the pod stops");
});

test("a task that ends because the pod stops is no failure", async () => {
  const { run, messages } = setup([]);
  const pod = await run();
  pod.supervise("writer", (signal) => new Promise((resolve) => signal.addEventListener("abort", () => resolve())));
  expect(await pod.stop("test")).toBe(0);
  expect(messages()).not.toContain("a task died, so the pod stops");
});

test("a crash is logged and exits with 1", async () => {
  const { process, run, messages } = setup([]);
  const pod = await run();
  process.emit("uncaughtException", new RangeError("bug"));
  expect(process.codes).toEqual([1]);
  expect(messages()).toContain("crashed: bug");
  await pod.stop("test");
});

test("a start that takes too long fails", async () => {
  const start = (_pod: unknown, signal: AbortSignal) =>
    new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
  const { run } = setup([{ name: "slow", start }], { startDeadlineMs: 20 });
  await expect(run()).rejects.toMatchObject({ code: "deadline" });
});
