/** `kvstore server` without Kubernetes: one primary on this machine, with the same store, log and commands. */
import { type Logger, runPod, serveHealth } from "@coracle/pod";
import { createLocalArbiter } from "./local-arbiter.ts";
import { startReplica } from "./replica.ts";
import type { ServerSettings } from "./settings.ts";

/** The member's name; the host's would make the folder useless on another host. */
export const STANDALONE_ID = "standalone";

export async function runStandalone(settings: ServerSettings, logger: Logger): Promise<void> {
  const host = settings.host ?? "127.0.0.1";
  const arbiter = createLocalArbiter(STANDALONE_ID);
  const replica = await startReplica({
    id: STANDALONE_ID,
    settings: { ...settings, replicationPort: 0 },
    host,
    arbiter,
    peers: { peers: () => [], subscribe: () => () => undefined },
    logger,
    clientAddress: () => `${host}:${settings.port}`,
  });
  const health = await serveHealth({ host, port: settings.healthPort });
  await runPod({
    logger,
    health,
    drainMs: 0,
    phases: [
      { name: "health", stop: () => health.stop() },
      {
        name: "lead",
        start: () => arbiter.start((record) => replica.log.candidacy(record)),
        stop: () => arbiter.stop(),
      },
      { name: "replica", stop: () => replica.stop() },
    ],
  });
  logger.info("Starting as MASTER", {
    reason: "standalone",
    host,
    port: replica.server.port,
    dataDir: settings.dataDir,
  });
}
