import type { HealthServer } from "../health/types.ts";
import type { Logger } from "../logging/types.ts";

/** One layer of the program. Started in order, stopped in reverse; what `start` began, `stop` ends. */
export interface Phase {
  readonly name: string;
  /** Resolves when the phase serves. `signal` aborts when the pod stops meanwhile. */
  readonly start?: (pod: PodRuntime, signal: AbortSignal) => Promise<void> | void;
  /** Called once if `start` was called and did not fail. `signal` aborts when the grace period is nearly over. */
  readonly stop?: (signal: AbortSignal) => Promise<void> | void;
}

export interface PodRuntime {
  /** Aborts as soon as the pod is told to stop, before the drain. */
  readonly signal: AbortSignal;
  /**
   * Runs a named task for the pod's life. A task that rejects, or resolves before `signal` aborts, stops the pod with exit code 1
   * (Kubernetes restarts it): a half-dead pod that still passes its probes is worse.
   */
  supervise(name: string, task: (signal: AbortSignal) => Promise<void>): void;
  /** Stops the pod in order. Resolves with the exit code once all phases have stopped; idempotent. */
  stop(reason: string, exitCode?: number): Promise<number>;
}

export interface RunPodOptions {
  readonly phases: readonly Phase[];
  readonly logger: Logger;
  /** Held unready while the phases start and from the moment the pod is told to stop. */
  readonly health?: Pick<HealthServer, "hold">;
  /**
   * Keep serving this long after going unready, so that Services stop sending. Default 250. A leader hands over only after it, so keep
   * it short.
   */
  readonly drainMs?: number;
  /** From the signal to a forced exit; stay below the pod's terminationGracePeriodSeconds. Default 25 000. */
  readonly graceMs?: number;
  /** Start must end within this time. Default 300 000. */
  readonly startDeadlineMs?: number;
  /** What a pod takes from its process; injected by tests. */
  readonly process?: PodProcess;
}

/** The process around a pod. */
export interface PodProcess {
  on(event: "SIGTERM" | "SIGINT" | "uncaughtException" | "unhandledRejection", listener: (what: unknown) => void): void;
  off(
    event: "SIGTERM" | "SIGINT" | "uncaughtException" | "unhandledRejection",
    listener: (what: unknown) => void,
  ): void;
  exit(code: number): void;
}
