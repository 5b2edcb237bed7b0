import { isAbsolute } from "node:path";
import { ClusterError } from "../errors.ts";
import type { MetricsSource } from "./autoscaler/metrics.ts";
import type { FailureLog } from "./harness/controller.ts";

/** Where the API server listens: the endpoint of the `kubernetes` service. */
export interface ApiServerAddress {
  readonly host: string;
  readonly port: number;
}

/** Every option has a default but `volumesDir`. */
export interface ControllerOptions {
  /** Folder that holds the provisioned volumes, one folder each. Absolute; made when the first volume is. */
  readonly volumesDir: string;
  /** Undefined: no `kubernetes` service is kept. */
  readonly apiServer?: ApiServerAddress;
  /** A node whose lease is older than this is not ready: Kubernetes' node-monitor-grace-period, 40 s. */
  readonly nodeGracePeriodMs: number;
  /** How long pods tolerate a node that is not ready, where they do not say: Kubernetes' default is 300 s. */
  readonly evictionTolerationMs: number;
  /** Above this many ended pods the oldest are removed; 12500 as in Kubernetes. */
  readonly maxTerminatedPods: number;
  /** Usage for the autoscaler; without it, it reports that metrics are missing. */
  readonly metrics?: MetricsSource;
  /** How often the autoscaler looks, 15 s. */
  readonly autoscalerPeriodMs: number;
  /** How long the place of a StatefulSet's pod stays empty after the pod has gone, 250 ms; see `statefulset/vacancies.ts`. */
  readonly vacancyMs: number;
  /** Told of reconciles that failed; the default writes a line to standard error. */
  readonly logFailure: FailureLog;
}

export type ControllerSettings = Pick<ControllerOptions, "volumesDir"> & Partial<ControllerOptions>;

const warn: FailureLog = (controller, key, error, retryInMs) => {
  const message = error instanceof Error ? error.message : String(error);
  console.warn(`${controller}: ${key}: ${message}; trying again in ${retryInMs} ms`);
};

const defaults = {
  nodeGracePeriodMs: 40_000,
  evictionTolerationMs: 300_000,
  maxTerminatedPods: 12_500,
  autoscalerPeriodMs: 15_000,
  vacancyMs: 250,
  logFailure: warn,
} as const;

const known = new Set([...Object.keys(defaults), "volumesDir", "apiServer", "metrics"]);

/**
 * Fills in the defaults; an explicit undefined counts as absent.
 * @throws ClusterError `bad-option` for an unknown key or a relative `volumesDir`
 */
export function resolveOptions(settings: ControllerSettings): ControllerOptions {
  const given = Object.entries(settings).filter(([, value]) => value !== undefined);
  for (const [key] of given)
    if (!known.has(key))
      throw new ClusterError(
        "bad-option",
        `The controllers have no option ${key}; they have ${[...known].join(", ")}.`,
      );
  if (!isAbsolute(settings.volumesDir))
    throw new ClusterError("bad-option", `volumesDir must be an absolute path, not ${settings.volumesDir}.`);
  return { ...defaults, volumesDir: settings.volumesDir, ...Object.fromEntries(given) };
}
