/**
 * What the kubelet knows of one pod beyond its spec: a value. Facts change it (`facts.ts`), decisions are read off it (`decide.ts`),
 * and so is the pod's status (`status.ts`). None of them looks at a clock, a process or a file.
 *
 * Invariants:
 * 1. A container in phase `running` or `stopping` has a process; in any other phase it has none.
 * 2. `attempt` counts starts that reached a process; `restartCount` is `attempt - 1`.
 * 3. `retryAt` is set exactly while a failed start or an ended container waits for its next attempt.
 */
import type { Container, Pod } from "kubernetes-types/core/v1.js";
import type { Backoff } from "./backoff.ts";

/** Ephemeral ones are added to a pod that runs, by `kubectl debug`; the pod's life does not depend on theirs. */
export type ContainerKind = "init" | "sidecar" | "main" | "ephemeral";
export type ProbeKind = "startup" | "liveness" | "readiness";
export type ContainerPhase = "waiting" | "starting" | "running" | "stopping" | "terminated";

export interface Termination {
  readonly exitCode: number;
  readonly signal?: number;
  readonly reason: string;
  readonly message?: string;
  readonly startedAt: number;
  readonly finishedAt: number;
  readonly containerID: string;
}

/** Times in milliseconds since the epoch. */
export interface ProbeState {
  readonly nextAt: number;
  readonly inFlight: boolean;
  /** Whether the probe's threshold has been reached; liveness starts true, the others false. */
  readonly passed: boolean;
  readonly successes: number;
  readonly failures: number;
  /** Eager attempts made before the first period is over; they count as nothing when they fail. */
  readonly eager: number;
}

export interface ContainerState {
  readonly name: string;
  readonly kind: ContainerKind;
  readonly phase: ContainerPhase;
  readonly attempt: number;
  readonly waiting?: { readonly reason: string; readonly message?: string };
  readonly containerID?: string;
  readonly startedAt?: number;
  readonly ended?: Termination;
  readonly last?: Termination;
  /** Undefined until the first end. */
  readonly crash?: Backoff;
  readonly pull?: Backoff;
  readonly retryAt?: number;
  /** When the back-off shows in the status; undefined once it does. */
  readonly announceAt?: number;
  readonly probes: Readonly<Partial<Record<ProbeKind, ProbeState>>>;
  /** Why it is to be ended although the pod goes on. */
  readonly doomed?: "liveness" | "startup" | "postStart";
}

export interface PodState {
  readonly startedAt: number;
  readonly sandbox: "none" | "preparing" | "ready";
  readonly prepareRetryAt?: number;
  readonly prepareBackoff?: Backoff;
  readonly podIP?: string;
  readonly containers: Readonly<Record<string, ContainerState>>;
  /** Set once the object carries a deletionTimestamp (or is gone). */
  readonly deletion?: { readonly at: number; readonly graceMs: number };
  /** The kubelet ended the pod: DeadlineExceeded and the like. */
  readonly failed?: { readonly reason: string; readonly message: string };
}

export interface NamedContainer {
  readonly kind: ContainerKind;
  readonly container: Container;
}

/** Every container of the pod in starting order. */
export const containersOf = (pod: Pod): readonly NamedContainer[] => [
  ...(pod.spec?.initContainers ?? []).map((container) => ({ kind: kindOfInit(container), container })),
  ...(pod.spec?.containers ?? []).map((container) => ({ kind: "main" as const, container })),
  ...(pod.spec?.ephemeralContainers ?? []).map((container) => ({ kind: "ephemeral" as const, container })),
];

const kindOfInit = (container: Container): ContainerKind =>
  (container as { restartPolicy?: string }).restartPolicy === "Always" ? "sidecar" : "init";

export const probeOf = (container: Container, kind: ProbeKind) => container[`${kind}Probe`];

export const initialState = (pod: Pod, now: number): PodState => ({
  startedAt: now,
  sandbox: "none",
  containers: Object.fromEntries(
    containersOf(pod).map(({ kind, container: { name } }) => [
      name,
      { name, kind, phase: "waiting", attempt: 0, probes: {} } satisfies ContainerState,
    ]),
  ),
});

/** The same, with what was added to the pod since. */
export function withNewContainers(state: PodState, pod: Pod): PodState {
  if (containersOf(pod).every(({ container }) => state.containers[container.name])) return state;
  return { ...state, containers: { ...initialState(pod, state.startedAt).containers, ...state.containers } };
}

export const hasProcess = ({ phase }: ContainerState): boolean => phase === "running" || phase === "stopping";

/** Whether its startup probe, if any, has passed. */
export const hasStarted = (state: ContainerState): boolean =>
  hasProcess(state) && state.probes.startup?.passed !== false;

export const isReady = (state: ContainerState): boolean =>
  state.kind === "init"
    ? state.phase === "terminated" && state.ended?.exitCode === 0
    : state.phase === "running" && hasStarted(state) && state.probes.readiness?.passed !== false;

/** Whether an init container (or sidecar) lets the next one begin. */
export const isInitialized = (state: ContainerState): boolean =>
  state.kind === "init" ? state.phase === "terminated" && state.ended?.exitCode === 0 : hasStarted(state);
