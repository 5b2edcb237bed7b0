/** What can happen to a pod, and how each thing changes its state. Pure: one reducer per kind of fact. */
import type { Container, Pod } from "kubernetes-types/core/v1.js";
import type { Timing } from "../options.ts";
import { afterExit, grow, noBackoff } from "./backoff.ts";
import { afterProbe, initialProbes, isFatal } from "./probes.ts";
import {
  type ContainerState,
  containersOf,
  type PodState,
  type ProbeKind,
  type ProbeState,
  probeOf,
  type Termination,
} from "./state.ts";

export type Fact =
  | { readonly type: "preparing" }
  | { readonly type: "prepared"; readonly podIP: string }
  | { readonly type: "prepareFailed"; readonly message: string }
  | { readonly type: "starting"; readonly name: string }
  | { readonly type: "started"; readonly name: string; readonly containerID: string; readonly at?: number }
  | { readonly type: "startFailed"; readonly name: string; readonly reason: string; readonly message: string }
  | { readonly type: "hookFailed"; readonly name: string; readonly message: string }
  | {
      readonly type: "exited";
      readonly name: string;
      readonly exitCode: number;
      readonly reason?: string;
      readonly message?: string;
      /** Set when the run ended before it was reported as started. */
      readonly containerID?: string;
    }
  | { readonly type: "stopping"; readonly name: string }
  | { readonly type: "probing"; readonly name: string; readonly kind: ProbeKind }
  | {
      readonly type: "probed";
      readonly name: string;
      readonly kind: ProbeKind;
      readonly ok: boolean;
      readonly output: string;
    }
  | { readonly type: "announced"; readonly name: string }
  /** What a failed mount or start may have waited for is there now. */
  | { readonly type: "sourceChanged" }
  | { readonly type: "deleted"; readonly graceMs: number }
  | { readonly type: "failed"; readonly reason: string; readonly message: string };

/** What the reducers know besides the state: the pod as it stands in the registry, the time, the delays. */
export interface Context {
  readonly pod: Pod;
  readonly now: number;
  readonly timing: Timing;
}

type Reducer<F> = (state: PodState, fact: F, context: Context) => PodState;

const reducers: { readonly [T in Fact["type"]]: Reducer<Extract<Fact, { type: T }>> } = {
  preparing: (state) => ({ ...state, sandbox: "preparing", prepareRetryAt: undefined }),
  prepared: (state, { podIP }) => ({ ...state, sandbox: "ready", podIP, prepareBackoff: undefined }),
  prepareFailed: (state, _, { now, timing }) => {
    const prepareBackoff = grow(state.prepareBackoff ?? noBackoff, {
      ...timing,
      backoffBaseMs: firstMountRetryMs,
      backoffMaxMs: lastMountRetryMs,
    });
    return { ...state, sandbox: "none", prepareBackoff, prepareRetryAt: now + prepareBackoff.delayMs };
  },
  starting: (state, { name }) =>
    change(state, name, () => ({ phase: "starting", retryAt: undefined, announceAt: undefined })),
  started: (state, { name, containerID, at }, { pod, now }) =>
    change(state, name, (before) => ({
      phase: "running",
      waiting: undefined,
      attempt: before.attempt + 1,
      containerID,
      startedAt: at ?? now,
      last: before.ended ?? before.last,
      ended: undefined,
      pull: undefined,
      doomed: undefined,
      probes: initialProbes(containerNamed(pod, name), now),
    })),
  startFailed: (state, { name, reason, message }, { now, timing }) =>
    change(state, name, (before) => {
      const pull = grow(before.pull ?? noBackoff, timing);
      return {
        phase: before.ended ? "terminated" : "waiting",
        waiting: { reason, message },
        pull,
        retryAt: now + pull.delayMs,
        announceAt: reason === "ErrImagePull" ? now + announceDelay(pull.delayMs, timing) : undefined,
      };
    }),
  hookFailed: (state, { name }) => change(state, name, () => ({ doomed: "postStart" })),
  exited: (state, { name, exitCode, reason, message, containerID }, { now, timing }) =>
    change(state, name, (running) => {
      const before: ContainerState = containerID === undefined ? running : stillborn(running, containerID, now);
      const crash = afterExit(before.crash, now - (before.startedAt ?? now), timing);
      return {
        ...before,
        phase: "terminated",
        ended: terminationOf(before, exitCode, reason, message, now),
        crash,
        retryAt: now + crash.delayMs,
        announceAt: crash.delayMs > 0 ? now + announceDelay(crash.delayMs, timing) : undefined,
        doomed: undefined,
        probes: {},
      };
    }),
  stopping: (state, { name }) => change(state, name, () => ({ phase: "stopping" })),
  probing: (state, { name, kind }) => changeProbe(state, name, kind, (probe) => ({ ...probe, inFlight: true })),
  probed: (state, { name, kind, ok }, { pod, now }) => {
    const probe = probeOf(containerNamed(pod, name), kind);
    if (probe === undefined) return state;
    const after = changeProbe(state, name, kind, (before) => afterProbe(kind, probe, before, ok, now));
    const counted = after.containers[name]?.probes[kind];
    if (ok || counted === undefined || kind === "readiness" || !isFatal(kind, probe, counted)) return after;
    return change(after, name, () => ({ doomed: kind }));
  },
  announced: (state, { name }, { pod }) =>
    change(state, name, (before) => ({ waiting: backoffNotice(before, pod), announceAt: undefined })),
  sourceChanged: (state) => ({
    ...state,
    prepareRetryAt: undefined,
    containers: mapValues(state.containers, (each) => (waitsForSource(each) ? { ...each, retryAt: 0 } : each)),
  }),
  deleted: (state, { graceMs }, { now }) => ({
    ...state,
    deletion: {
      at: state.deletion?.at ?? now,
      graceMs: Math.min(graceMs, state.deletion?.graceMs ?? graceMs),
    },
  }),
  failed: (state, { reason, message }) => ({ ...state, failed: state.failed ?? { reason, message } }),
};

const firstMountRetryMs = 500;
const lastMountRetryMs = 10_000;

const waitsForSource = ({ waiting }: ContainerState): boolean => waiting?.reason === "CreateContainerConfigError";

const mapValues = <T>(record: Readonly<Record<string, T>>, change: (value: T) => T): Record<string, T> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));

/** The state after `fact`. */
export function reduce(state: PodState, fact: Fact, context: Context): PodState {
  const reducer = reducers[fact.type] as Reducer<Fact>;
  return reducer(state, fact, context);
}

function change(
  state: PodState,
  name: string,
  patch: (before: ContainerState) => Partial<{ -readonly [K in keyof ContainerState]: ContainerState[K] | undefined }>,
): PodState {
  const before = state.containers[name];
  if (before === undefined) return state;
  const after = { ...before, ...patch(before) } as ContainerState;
  return { ...state, containers: { ...state.containers, [name]: after } };
}

const changeProbe = (state: PodState, name: string, kind: ProbeKind, patch: (before: ProbeState) => ProbeState) =>
  change(state, name, ({ probes }) => {
    const before = probes[kind];
    return before === undefined ? {} : { probes: { ...probes, [kind]: patch(before) } };
  });

export function containerNamed(pod: Pod, name: string): Container {
  const found = containersOf(pod).find(({ container }) => container.name === name);
  return found?.container ?? { name };
}

const announceDelay = (delayMs: number, { announceMs }: Timing) => Math.min(announceMs, delayMs / 10);

/** A run that ended before its program began: it counts like any other. */
const stillborn = (before: ContainerState, containerID: string, now: number): ContainerState => {
  const { ended = before.last, ...rest } = before;
  return { ...rest, attempt: before.attempt + 1, containerID, startedAt: now, ...(ended && { last: ended }) };
};

const terminationOf = (
  before: ContainerState,
  exitCode: number,
  reason: string | undefined,
  message: string | undefined,
  now: number,
): Termination => ({
  exitCode,
  reason: reason ?? (exitCode === 0 ? "Completed" : "Error"),
  ...(message && { message }),
  startedAt: before.startedAt ?? now,
  finishedAt: now,
  containerID: before.containerID ?? "",
});

/** How Kubernetes shows a container that waits for its next attempt. */
function backoffNotice(state: ContainerState, pod: Pod): { reason: string; message: string } {
  if (state.waiting?.reason === "ErrImagePull") {
    const image = containerNamed(pod, state.name).image ?? "";
    const message = `Back-off pulling image "${image}": ErrImagePull: ${state.waiting.message ?? ""}`;
    return { reason: "ImagePullBackOff", message };
  }
  const { name = "", namespace = "", uid = "" } = pod.metadata ?? {};
  const delay = formatDelay(state.crash?.delayMs ?? 0);
  const message = `back-off ${delay} restarting failed container=${state.name} pod=${name}_${namespace}(${uid})`;
  return { reason: "CrashLoopBackOff", message };
}

/** As Go prints a duration: `10s`, `2m40s`, `5m0s`. */
function formatDelay(ms: number): string {
  const seconds = ms / 1000;
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}
