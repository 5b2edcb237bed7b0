/** What to do next for a pod: a function of its spec, its state and the time. */
import type { Container, Pod } from "kubernetes-types/core/v1.js";
import { isActive, probeKinds } from "./probes.ts";
import {
  type ContainerKind,
  type ContainerState,
  containersOf,
  hasProcess,
  isInitialized,
  type PodState,
  type ProbeKind,
} from "./state.ts";

export type Action =
  | { readonly type: "prepare" }
  | { readonly type: "start"; readonly name: string }
  | { readonly type: "stop"; readonly name: string; readonly graceMs: number; readonly reason: StopReason }
  | { readonly type: "probe"; readonly name: string; readonly kind: ProbeKind }
  | { readonly type: "announce"; readonly name: string }
  | { readonly type: "fail"; readonly reason: string; readonly message: string }
  /** Every process has ended and the object is marked deleted: release what the pod holds and remove it. */
  | { readonly type: "remove" };

export type StopReason = "deleted" | "ended" | "liveness" | "startup" | "postStart";

export interface Decision {
  readonly actions: readonly Action[];
  /** When to decide again although nothing has happened. */
  readonly wakeAt: number;
}

const never = Number.POSITIVE_INFINITY;

export function decide(pod: Pod, state: PodState, now: number): Decision {
  const pending = new Agenda(now);
  if (state.deletion !== undefined || state.failed !== undefined || isComplete(pod, state)) endPod(pod, state, pending);
  else advance(pod, state, pending);
  return { actions: pending.actions, wakeAt: pending.wakeAt };
}

/** Collects what is due and remembers the earliest thing that is not. */
class Agenda {
  readonly actions: Action[] = [];
  readonly #now: number;
  wakeAt = never;

  constructor(now: number) {
    this.#now = now;
  }

  do(action: Action): void {
    this.actions.push(action);
  }

  doAt(at: number, action: Action): void {
    if (at <= this.#now) this.actions.push(action);
    else this.wakeAt = Math.min(this.wakeAt, at);
  }
}

/** Whether nothing is left to run: every main container ended for good, or an init container failed for good. */
export function isComplete(pod: Pod, state: PodState): boolean {
  const all = containersOf(pod).map(({ kind, container }) => ({
    kind,
    container,
    is: state.containers[container.name],
  }));
  if (all.some(({ kind, is }) => kind === "init" && isOver(pod, is) && is?.ended?.exitCode !== 0)) return true;
  const mains = all.filter(({ kind }) => kind === "main");
  return mains.length > 0 && mains.every(({ is }) => isOver(pod, is));
}

/** Whether a container has ended and its policy does not restart it. */
const isOver = (pod: Pod, state: ContainerState | undefined): boolean =>
  state?.phase === "terminated" && !mayRestart(pod, state);

function mayRestart(pod: Pod, state: ContainerState): boolean {
  const policy = pod.spec?.restartPolicy ?? "Always";
  const succeeded = state.ended?.exitCode === 0;
  if (state.kind === "ephemeral") return false;
  if (state.kind === "sidecar") return true;
  if (state.kind === "init") return !succeeded && policy !== "Never";
  return policy === "Always" || (policy === "OnFailure" && !succeeded);
}

/** Main containers end first, sidecars after them in reverse order, then the object goes. */
function endPod(pod: Pod, state: PodState, pending: Agenda): void {
  const running = containersOf(pod)
    .map(({ container }) => state.containers[container.name])
    .filter((each): each is ContainerState => each !== undefined && isBusy(each));
  const mains = running.filter(({ kind }) => kind !== "sidecar");
  const next = mains.length > 0 ? mains : running.slice(-1);
  for (const { name } of next.filter(({ phase }) => phase === "running")) {
    const graceMs = graceOf(pod, state);
    pending.do({ type: "stop", name, graceMs, reason: state.deletion ? "deleted" : "ended" });
  }
  if (running.length === 0 && state.deletion !== undefined && state.sandbox !== "preparing") {
    pending.do({ type: "remove" });
  }
}

const isBusy = (state: ContainerState): boolean => hasProcess(state) || state.phase === "starting";

export const graceOf = (pod: Pod, state: PodState): number =>
  state.deletion?.graceMs ?? (pod.spec?.terminationGracePeriodSeconds ?? 30) * 1000;

function advance(pod: Pod, state: PodState, pending: Agenda): void {
  const deadline = deadlineOf(pod, state);
  const message = "Pod was active on the node longer than the specified deadline";
  pending.doAt(deadline, { type: "fail", reason: "DeadlineExceeded", message });
  if (state.sandbox === "none") pending.doAt(state.prepareRetryAt ?? 0, { type: "prepare" });
  if (state.sandbox !== "ready") return;
  let isHeld = false;
  for (const { kind, container } of containersOf(pod)) {
    const current = state.containers[container.name];
    if (current === undefined || (isHeld && kind !== "ephemeral")) continue;
    advanceContainer(pod, container, current, pending);
    isHeld ||= !isInitialized(current) && precedesOthers(kind) && !wasPassed(pod, state);
  }
}

const precedesOthers = (kind: ContainerKind): boolean => kind === "init" || kind === "sidecar";

const deadlineOf = (pod: Pod, state: PodState): number => {
  const seconds = pod.spec?.activeDeadlineSeconds;
  return seconds === undefined ? never : state.startedAt + seconds * 1000;
};

/** Once a main container has begun, a sidecar that is down no longer holds the others back. */
const wasPassed = (pod: Pod, state: PodState): boolean =>
  (pod.spec?.containers ?? []).some(({ name }) => {
    const main = state.containers[name];
    return main !== undefined && (main.attempt > 0 || main.phase !== "waiting");
  });

function advanceContainer(pod: Pod, container: Container, state: ContainerState, pending: Agenda): void {
  if (state.phase === "running") advanceRunning(pod, container, state, pending);
  else if (state.phase === "waiting" || (state.phase === "terminated" && mayRestart(pod, state))) {
    if (state.announceAt !== undefined) pending.doAt(state.announceAt, { type: "announce", name: state.name });
    pending.doAt(state.retryAt ?? 0, { type: "start", name: state.name });
  }
}

function advanceRunning(pod: Pod, container: Container, state: ContainerState, pending: Agenda): void {
  const { name } = container;
  if (state.doomed !== undefined) {
    const graceMs = graceOfContainer(pod, container, state.doomed);
    pending.do({ type: "stop", name, graceMs, reason: state.doomed });
    return;
  }
  for (const kind of probeKinds) {
    const probe = state.probes[kind];
    if (probe === undefined || probe.inFlight || !isActive(state, kind)) continue;
    pending.doAt(probe.nextAt, { type: "probe", name, kind });
  }
}

function graceOfContainer(pod: Pod, container: Container, cause: StopReason): number {
  const probe = cause === "liveness" ? container.livenessProbe : container.startupProbe;
  const own = cause === "postStart" ? undefined : probe?.terminationGracePeriodSeconds;
  return (own ?? pod.spec?.terminationGracePeriodSeconds ?? 30) * 1000;
}
