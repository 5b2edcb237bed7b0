import type { MetricsSource } from "./autoscaler/metrics.ts";
import type { FailureLog } from "./harness/controller.ts";

/** Where the API server listens: the endpoint of the `kubernetes` service. */
export interface ApiServerAddress {
  readonly host: string;
  readonly port: number;
}

/** Every option has a default but the two that say where this cluster is. */
export interface ControllerOptions {
  /** Folder that holds the provisioned volumes, one folder each. Absolute. */
  readonly volumesDir: string;
  /** Undefined: no `kubernetes` service is kept. */
  readonly apiServer?: ApiServerAddress;
  /** A node whose lease is older than this is not ready: Kubernetes' node-monitor-grace-period. */
  readonly nodeGracePeriodMs: number;
  /** How long pods tolerate a node that is not ready, where they do not say: Kubernetes' default is 300 s. */
  readonly evictionTolerationMs: number;
  /** Above this many ended pods the oldest are removed. */
  readonly maxTerminatedPods: number;
  /** Usage for the autoscaler; without it, it reports that metrics are missing. */
  readonly metrics?: MetricsSource;
  readonly autoscalerPeriodMs: number;
  readonly logFailure: FailureLog;
}

const defaults = {
  nodeGracePeriodMs: 40_000,
  evictionTolerationMs: 300_000,
  maxTerminatedPods: 12_500,
  autoscalerPeriodMs: 15_000,
  logFailure: ((controller, key, error, retryInMs) => {
    console.warn(`${controller}: ${key}: ${error instanceof Error ? error.message : error}; retry in ${retryInMs} ms`);
  }) as FailureLog,
};

export type ControllerSettings = Pick<ControllerOptions, "volumesDir"> & Partial<ControllerOptions>;

/** Fills in the defaults; an explicit undefined counts as absent. */
export function resolveOptions(settings: ControllerSettings): ControllerOptions {
  const given = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
  return { ...defaults, ...given } as ControllerOptions;
}
