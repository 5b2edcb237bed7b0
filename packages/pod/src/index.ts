/**
 * What every pod needs: who it is, who its peers are, who leads, and how to start, report and stop.
 *
 * ```ts
 * const pod = podIdentity();
 * const logger = createLogger({ fields: { pod: pod.name } });
 * const config = loadConfig({ port: setting.integer({ help: "client port", default: 5555, min: 1, max: 65_535 }) });
 * const kube = await connectKube();
 * const health = await serveHealth();
 * const election = createElection({
 *   access: kubeLease(kube, { name: "example", namespace: pod.namespace }),
 *   identity: pod,
 *   timing: electionTimingFromEnv(),
 *   logger,
 * });
 * const label = keepRoleLabel({ kube, identity: pod, election, word: "master", logger });
 * const peers = discover({ kube, logger, port: config.port });
 * election.subscribe(({ term }) => logger.info(term ? "leading" : "following", { epoch: term?.epoch }));
 * await runPod({
 *   logger,
 *   health,
 *   phases: [
 *     { name: "health", stop: () => health.stop() },
 *     { name: "peers", stop: () => peers.stop() },
 *     { name: "label", stop: () => label.stop() },
 *     { name: "election", start: () => election.start(), stop: () => election.stop() },
 *   ],
 * });
 * ```
 */

export { type PodClock, systemClock } from "./clock.ts";
export { describeConfig } from "./config/describe.ts";
export { loadConfig } from "./config/load.ts";
export { setting } from "./config/settings.ts";
export type { ConfigOf, ConfigSources, ConfigSpec, Setting } from "./config/types.ts";
export { type DiscoverOptions, discover } from "./discovery/discover.ts";
export type { SrvResolver } from "./discovery/dns.ts";
export type { Discovery, DiscoverySource, Peer } from "./discovery/types.ts";
export { type KubeLeaseOptions, kubeLease } from "./election/access.ts";
export { createElection } from "./election/election.ts";
export { handToAnnotation, incarnationAnnotation } from "./election/lease.ts";
export type { ElectionOptions, LeaseAccess } from "./election/options.ts";
export { electionTiming, electionTimingFromEnv } from "./election/timing.ts";
export type {
  Candidacy,
  Election,
  ElectionListener,
  ElectionState,
  ElectionTiming,
  LeaseRecord,
  Term,
} from "./election/types.ts";
export { ElectionError, PodError, type PodErrorCode } from "./errors.ts";
export { createHealth, serveHealth } from "./health/server.ts";
export type { HealthCheck, HealthOptions, HealthReport, HealthServer } from "./health/types.ts";
export { type PodIdentity, podIdentity } from "./identity.ts";
export { runPod } from "./lifecycle/run-pod.ts";
export type { Phase, PodProcess, PodRuntime, RunPodOptions } from "./lifecycle/types.ts";
export { createLogger, silentLogger } from "./logging/logger.ts";
export type { LogFields, Logger, LoggerOptions, LogLevel } from "./logging/types.ts";
export { keepRoleLabel, type RoleLabelOptions } from "./role-label.ts";
