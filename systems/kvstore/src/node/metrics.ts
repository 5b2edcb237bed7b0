/** What Prometheus may know: gauges read when it asks, counters and histograms fed by the log's hooks. */
import type { LogMetrics, LogStatus } from "@coracle/lease-log";
import type { HealthServer } from "@coracle/pod";
import { Counter, Gauge, Histogram } from "prom-client";
import { writesBlocked } from "../server/backend.ts";
import type { Replica } from "./replica.ts";

type Registry = HealthServer["metrics"];

export interface Metrics {
  /** Hooks for the log. */
  readonly log: LogMetrics;
  /** Begins to report on this member. */
  observe(replica: Replica): void;
}

/** One row per gauge: name, help, value. */
const GAUGES: readonly (readonly [string, string, (replica: Replica) => number])[] = [
  ["kvstore_is_primary", "1 on the primary", ({ log }) => (log.status().role === "primary" ? 1 : 0)],
  ["kvstore_epoch", "Epoch of the Lease as this member knows it", ({ log }) => log.status().epoch],
  ["kvstore_in_sync_members", "Members of the in-sync set", ({ log }) => log.status().inSync.length],
  ["kvstore_last_index", "Newest log entry here", ({ log }) => log.status().last.index],
  ["kvstore_commit_index", "Newest committed log entry known here", ({ log }) => log.status().commitIndex],
  ["kvstore_applied_index", "Newest log entry in the data here", ({ log }) => log.status().applied.index],
  ["kvstore_writes_blocked", "1 while writes are refused", (replica) => (writesBlocked(replica) === undefined ? 0 : 1)],
  ["kvstore_staleness_seconds", "Age of a replica's data", ({ log }) => log.status().staleMs / 1000],
  ["kvstore_keys", "Keys stored, about a second ago", ({ store }) => store.written.size],
  ["kvstore_keys_expiring", "Keys with an expiry, about a second ago", ({ store }) => store.written.expiring],
  ["kvstore_clients", "Client connections", ({ server }) => server.clients],
  ["kvstore_disk_free_bytes", "Room on the data disk", ({ disk }) => disk.freeBytes],
];

const TOTALS: readonly (readonly [string, string, (replica: Replica) => number])[] = [
  ["kvstore_commands_total", "Commands executed", ({ server }) => server.stats.commands],
  ["kvstore_connections_total", "Connections accepted", ({ server }) => server.stats.connections],
  [
    "kvstore_rejected_connections_total",
    "Connections over the limit",
    ({ server }) => server.stats.rejectedConnections,
  ],
  ["kvstore_received_bytes_total", "Bytes from clients", ({ server }) => server.stats.bytesIn],
  ["kvstore_sent_bytes_total", "Bytes to clients", ({ server }) => server.stats.bytesOut],
];

type ReplicaLag = LogStatus["replicas"][number];

/** Labelled by replica; on the primary only. */
const LAGS: readonly (readonly [string, string, (lag: ReplicaLag) => number])[] = [
  ["kvstore_replica_lag_entries", "Log entries that a replica lacks, as the primary sees it", (lag) => lag.lagEntries],
  ["kvstore_replica_lag_bytes", "Bytes of log that a replica lacks, as the primary sees it", (lag) => lag.lagBytes],
  [
    "kvstore_replica_lag_seconds",
    "Since a replica last held everything, as the primary sees it",
    (lag) => lag.lagMs / 1000,
  ],
];

const LATENCY_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export function registerMetrics(registry: Registry): Metrics {
  const registers = [registry];
  const commits = new Counter({ name: "kvstore_commits_total", help: "Log entries acknowledged", registers });
  const failovers = new Counter({
    name: "kvstore_promotions_total",
    help: "Times this member became primary",
    registers,
  });
  const snapshots = new Counter({
    name: "kvstore_snapshots_total",
    help: "Snapshots sent to replicas and installed from the primary",
    labelNames: ["direction"],
    registers,
  });
  const latency = new Histogram({
    name: "kvstore_commit_seconds",
    help: "From proposal to acknowledgement, of the oldest entry of each round",
    buckets: LATENCY_BUCKETS,
    registers,
  });
  return {
    log: {
      committed: (count, waitMs) => {
        commits.inc(count);
        latency.observe(waitMs / 1000);
      },
      becamePrimary: () => failovers.inc(),
      snapshotSent: () => snapshots.inc({ direction: "sent" }),
      snapshotInstalled: () => snapshots.inc({ direction: "installed" }),
    },
    observe: (replica) => observe(registers, replica),
  };
}

function observe(registers: Registry[], replica: Replica): void {
  for (const [name, help, read] of [...GAUGES, ...TOTALS])
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(finite(read(replica)));
      },
    });
  for (const [name, help, read] of LAGS)
    new Gauge({
      name,
      help,
      labelNames: ["replica"],
      registers,
      collect() {
        this.reset();
        for (const lag of replica.log.status().replicas) this.set({ replica: lag.id }, finite(read(lag)));
      },
    });
}

/** Prometheus reads -1 here as "never": Infinity would spoil averages. */
const finite = (value: number): number => (Number.isFinite(value) ? value : -1);
