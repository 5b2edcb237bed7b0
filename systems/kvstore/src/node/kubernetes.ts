/** `kvstore server` in a pod: a Lease decides who is primary, labels and readiness follow from it. */
import { connectKube } from "@coracle/kube";
import {
  createElection,
  discover,
  electionTiming,
  keepRoleLabel,
  kubeLease,
  type Logger,
  podIdentity,
  runPod,
  serveHealth,
} from "@coracle/pod";
import { liveness, readiness } from "./health.ts";
import { registerMetrics } from "./metrics.ts";
import { type Replica, startReplica } from "./replica.ts";
import { announceRoles } from "./roles.ts";
import type { ServerSettings } from "./settings.ts";
import { Wish } from "./wish.ts";

/** What holds a candidate back while it starts passes within a second or two. */
const START_RETRY_MS = 100;

const ALONE = { peers: () => [], subscribe: () => () => undefined };

export async function runInKubernetes(settings: ServerSettings, logger: Logger): Promise<void> {
  const identity = podIdentity();
  const host = settings.host ?? "0.0.0.0";
  const health = await serveHealth({ port: settings.healthPort });
  health.hold("starting");
  const kube = await connectKube();
  const peers = settings.replicationEnabled ? discover({ kube, logger, port: settings.replicationPort }) : undefined;
  let replica: Replica | undefined;
  const election = createElection({
    access: kubeLease(kube, { name: settings.leaseName, namespace: identity.namespace }),
    identity,
    timing: electionTiming(settings.leaseTtlSeconds * 1000),
    // In sync every member holds what was acknowledged; in async this disk may be the only one that does.
    predecessor: settings.replicationMode === "sync" ? "release" : "succeed",
    candidacy: (record) => {
      const reason = replica ? abstention(settings, wish) : "still starting";
      if (reason === undefined && replica) return replica.log.candidacy(record);
      return { abstain: reason ?? "still starting", retryMs: START_RETRY_MS };
    },
    logger,
  });
  const metrics = registerMetrics(health.metrics);
  const started = await startReplica({
    id: identity.name,
    settings,
    host,
    arbiter: election,
    peers: peers ?? ALONE,
    logger,
    clientAddress: addressesOf(settings, identity.namespace),
    metrics: metrics.log,
  });
  replica = started;
  const wish = new Wish({
    id: identity.name,
    set: identity.set ?? identity.name,
    election,
    log: started.log,
    env: { MASTER_ORDINAL: settings.masterOrdinal, MASTER_ORDINAL_FILE: settings.masterOrdinalFile },
    logger,
  });
  metrics.observe(started);
  health.ready("role", readiness(started, settings.readyLagMs));
  health.live("disk", liveness(settings.dataDir));
  announceRoles(started.log, logger);
  const label = keepRoleLabel({ kube, identity, election, word: "master", followerWord: "replica", logger });
  await runPod({
    logger,
    health,
    drainMs: 0,
    phases: [
      { name: "health", stop: () => health.stop() },
      { name: "peers", stop: () => peers?.stop() },
      { name: "label", stop: () => label.stop() },
      { name: "election", start: () => election.start(), stop: () => election.stop() },
      { name: "replica", stop: () => started.stop() },
      { name: "wish", start: () => wish.start(), stop: () => wish.stop() },
    ],
  });
}

/** Without replication only one pod may lead: another would begin an empty kvstore of its own. */
function abstention(settings: ServerSettings, wish: Wish): string | undefined {
  if (!settings.replicationEnabled && !wish.isWanted)
    return "REPLICATION_ENABLED is false and MASTER_ORDINAL names another pod";
  return wish.abstention();
}

const addressesOf =
  ({ serviceName, clusterDomain, port }: ServerSettings, namespace: string) =>
  (id: string): string =>
    `${id}.${serviceName}.${namespace}.svc.${clusterDomain}:${port}`;
