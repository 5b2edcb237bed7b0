/** When probes run and what their results mean. Pure. */
import type { Container, Probe } from "kubernetes-types/core/v1.js";
import { type ContainerState, hasStarted, type ProbeKind, type ProbeState, probeOf } from "./state.ts";

export const probeKinds = ["startup", "liveness", "readiness"] as const satisfies readonly ProbeKind[];

const firstEagerMs = 50;

const periodMs = (probe: Probe) => (probe.periodSeconds ?? 10) * 1000;

/** The probes of a container that has just started. */
export function initialProbes(container: Container, now: number): ContainerState["probes"] {
  const kinds = probeKinds.filter((kind) => probeOf(container, kind) !== undefined);
  return Object.fromEntries(kinds.map((kind) => [kind, initialProbe(kind, probeOf(container, kind) as Probe, now)]));
}

const initialProbe = (kind: ProbeKind, probe: Probe, now: number): ProbeState => ({
  nextAt: now + (probe.initialDelaySeconds ?? 0) * 1000,
  inFlight: false,
  passed: kind === "liveness",
  successes: 0,
  failures: 0,
  eager: 0,
});

/** Whether a probe has work now: the startup probe until it passes, the others only after it. */
export const isActive = (state: ContainerState, kind: ProbeKind): boolean =>
  state.phase === "running" &&
  state.doomed === undefined &&
  (kind === "startup" ? state.probes.startup?.passed === false : hasStarted(state));

/**
 * Takes one result into account. Startup and readiness probes are asked again soon (50 ms, doubling) until their first period is
 * over, and those early failures don't count: a program that is up after 200 ms should not wait ten seconds to be noticed. From
 * then on Kubernetes' period and thresholds hold.
 */
export function afterProbe(
  kind: ProbeKind,
  probe: Probe,
  state: ProbeState,
  succeeded: boolean,
  now: number,
): ProbeState {
  if (!succeeded && isEager(kind, probe, state)) return retryEagerly(probe, state, now);
  const successes = succeeded ? state.successes + 1 : 0;
  const failures = succeeded ? 0 : state.failures + 1;
  const passed = succeeded
    ? state.passed || successes >= (probe.successThreshold ?? 1)
    : state.passed && failures < (probe.failureThreshold ?? 3);
  return {
    nextAt: now + periodMs(probe),
    inFlight: false,
    passed,
    successes,
    failures,
    eager: Number.POSITIVE_INFINITY,
  };
}

const isEager = (kind: ProbeKind, probe: Probe, { eager, passed }: ProbeState): boolean =>
  kind !== "liveness" && !passed && eagerDelay(eager) < periodMs(probe);

const eagerDelay = (eager: number) => firstEagerMs * 2 ** eager;

const retryEagerly = (probe: Probe, state: ProbeState, now: number): ProbeState => ({
  ...state,
  inFlight: false,
  eager: state.eager + 1,
  nextAt: now + Math.min(eagerDelay(state.eager), periodMs(probe)),
});

/** Whether the result just counted means that the container has to end. */
export const isFatal = (kind: ProbeKind, probe: Probe, state: ProbeState): boolean =>
  kind !== "readiness" && state.failures >= (probe.failureThreshold ?? 3);
