/** One member of a kvstore, however its primary is decided: the store, the log over it, the server before both. */
import { join } from "node:path";
import { type Arbiter, openReplicatedLog, type PeerDirectory, type ReplicatedLog } from "@coracle/lease-log";
import type { Logger } from "@coracle/pod";
import { DEFAULT_REQUEST_LIMITS, type RequestLimits } from "../resp/limits.ts";
import { queriesWith } from "../server/commands/table.ts";
import { ScanCursors } from "../server/cursors.ts";
import { type KvServer, startServer } from "../server/server.ts";
import { createDiskGuard, type DiskGuard } from "../store/disk.ts";
import { openStore, type Store } from "../store/store.ts";
import { keepDiskChecked, reapExpired } from "./chores.ts";
import { logSink } from "./log-sink.ts";
import { mibToBytes, type ServerSettings } from "./settings.ts";

export interface ReplicaOptions {
  readonly id: string;
  readonly settings: ServerSettings;
  readonly host: string;
  readonly arbiter: Arbiter;
  readonly peers: PeerDirectory;
  readonly logger: Logger;
  readonly clientAddress: (id: string) => string | undefined;
  readonly metrics?: Parameters<typeof openReplicatedLog>[0]["metrics"];
  readonly timing?: Parameters<typeof openReplicatedLog>[0]["timing"];
}

export interface Replica {
  readonly store: Store;
  readonly log: ReplicatedLog;
  readonly disk: DiskGuard;
  readonly server: KvServer;
  /** Port on which the other members reach this one. */
  readonly replicationPort: number;
  /** Stops the server, then the log (handing over if this is the primary), then the store. Idempotent. */
  stop(): Promise<void>;
}

/** Room for the framing around the longest value. */
const COMMAND_MARGIN_BYTES = 1024 * 1024;

/** Resolves once it takes connections, as a replica; the arbiter may then make it primary. */
export async function startReplica(options: ReplicaOptions): Promise<Replica> {
  const { id, settings, host, arbiter, peers, logger } = options;
  const limits = limitsOf(settings);
  const cursors = new ScanCursors();
  const store = await openStore({ dir: join(settings.dataDir, "state"), query: queriesWith(cursors) });
  const closers: (() => Promise<void> | void)[] = [() => store.close()];
  try {
    const disk = createDiskGuard(settings.dataDir, mibToBytes(settings.diskReserveMib));
    closers.push(await keepDiskChecked(disk, logger));
    const log = await openReplicatedLog({
      id,
      dir: join(settings.dataDir, "log"),
      arbiter,
      peers,
      stateMachine: store,
      mode: settings.replicationMode,
      minInSync: settings.minInSync,
      failsafe: settings.failsafe,
      isFull: () => disk.refusal(false) !== undefined || store.problem?.code === "disk-full",
      cluster: settings.leaseName,
      host,
      port: settings.replicationPort,
      logger: logSink(logger),
      limits: { maxCommandBytes: limits.maxRequestBytes + COMMAND_MARGIN_BYTES },
      metrics: options.metrics,
      timing: options.timing,
    });
    await log.start();
    const server = await startServer({
      backend: {
        store,
        log,
        disk,
        reads: settings.readFromReplica,
        maxStalenessMs: settings.maxStalenessMs,
        clientAddress: options.clientAddress,
      },
      cursors,
      logger,
      host,
      port: settings.port,
      maxClients: settings.maxClients,
      idleTimeoutMs: settings.idleTimeoutSeconds * 1000,
      limits,
      password: settings.password,
    });
    // Stopped in reverse: the log hands over while the server still tells clients where the new primary is.
    closers.push(
      () => server.stop(),
      retireOnLoss(log, server),
      () => log.stop(),
      reapExpired(store, log, logger),
    );
    return { store, log, disk, server, replicationPort: log.port, stop: once(() => closeAll(closers)) };
  } catch (error) {
    await closeAll(closers);
    throw error;
  }
}

function limitsOf(settings: ServerSettings): RequestLimits {
  const maxBulkBytes = mibToBytes(settings.maxValueMib);
  return { ...DEFAULT_REQUEST_LIMITS, maxBulkBytes, maxRequestBytes: 2 * maxBulkBytes };
}

/** A primary that is one no more ends its clients' connections, so that none goes on talking to it. */
function retireOnLoss(log: ReplicatedLog, server: KvServer): () => void {
  let wasPrimary = false;
  return log.subscribe(({ role }) => {
    if (wasPrimary && role !== "primary") server.retireClients();
    wasPrimary = role === "primary";
  });
}

/** Last opened, first closed. */
async function closeAll(closers: readonly (() => Promise<void> | void)[]): Promise<void> {
  for (const close of closers.toReversed()) await close();
}

function once(action: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => {
    done ??= action();
    return done;
  };
}
