/**
 * What every pod needs: who it is, who its peers are, who leads, and how to start, report and stop.
 *
 * SIGNATURES (being implemented):
 *
 *   podIdentity(env?): PodIdentity                          { name, namespace, ip?, ordinal?, incarnation, inKubernetes }
 *   createLogger(options?: LoggerOptions): Logger
 *   setting.string|integer|number|boolean|oneOf|list|duration|secret(...): Setting<T>
 *   loadConfig(spec, sources?: ConfigSources): ConfigOf<typeof spec>      throws PodError `config`
 *   describeConfig(spec): string                            lines for --help
 *   serveHealth(options?: HealthOptions): Promise<HealthServer>
 *   discover(options?: { env?, kube?, port?, clock?, logger? }): Discovery   Discovery satisfies lease-log's PeerDirectory
 *   kubeLease(kube, { namespace, name }): LeaseAccess
 *   electionTiming(leaseDurationMs): ElectionTiming; electionTimingFromEnv(env?)
 *   createElection(options: ElectionOptions): Election
 *   keepRoleLabel({ kube, identity, election, word, label?, logger? }): { stop(): Promise<void> }
 *   runPod(options: RunPodOptions): Promise<PodRuntime>     resolves when all phases have started; exits the process at the end
 *
 *   from @coracle/kube: connectKube(options?): Promise<KubeClient>
 */
export type { PodClock } from "./clock.ts";
export { systemClock } from "./clock.ts";
export type { ConfigOf, ConfigSources, ConfigSpec, Setting } from "./config/types.ts";
export type { Discovery, DiscoverySource, Peer } from "./discovery/types.ts";
export type { ElectionOptions, LeaseAccess } from "./election/options.ts";
export type { Candidacy, Election, ElectionTiming, LeaseRecord, Term } from "./election/types.ts";
export type { HealthCheck, HealthOptions, HealthReport, HealthServer } from "./health/types.ts";
export type { Phase, PodProcess, PodRuntime, RunPodOptions } from "./lifecycle/types.ts";
export type { LogFields, Logger, LoggerOptions, LogLevel } from "./logging/types.ts";
