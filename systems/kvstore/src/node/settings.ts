/** Every setting of `kvstore server`: flag `--data-dir`, environment `DATA_DIR`, in this order. */
import { type ConfigOf, setting } from "@coracle/pod";

const MIB = 1024 * 1024;

export const SETTINGS = {
  dataDir: setting.string({ help: "folder of the data and the log", default: "./data" }),
  host: setting.string({ help: "address to listen on (default: every address in Kubernetes, else 127.0.0.1)" }),
  port: setting.integer({ help: "port for clients", default: 5555, min: 0, max: 65_535 }),
  replicationPort: setting.integer({ help: "port for replicas", default: 5556, min: 0, max: 65_535 }),
  healthPort: setting.integer({ help: "port for probes and metrics", default: 8080, min: 0, max: 65_535 }),
  replicationMode: setting.oneOf({
    help: "sync acknowledges a write when every in-sync replica has it on disk, async when the primary has",
    values: ["async", "sync"],
    default: "sync",
  }),
  replicationEnabled: setting.boolean({ help: "false: only the pod of MASTER_ORDINAL serves, alone", default: true }),
  minInSync: setting.integer({
    help: "in sync mode: members, the primary included, that must have a write; fewer in sync refuse writes",
    default: 1,
    min: 1,
    max: 100,
  }),
  failsafe: setting.boolean({
    help: "go on while the Kubernetes API is away, as long as every in-sync replica agrees",
    default: true,
  }),
  masterOrdinal: setting.string({ help: "number of the pod that should be primary if it can be without loss" }),
  masterOrdinalFile: setting.string({ help: "file with that number, read again when it changes" }),
  leaseName: setting.string({ help: "Lease that says who is primary", default: "kvstore-leader" }),
  leaseTtlSeconds: setting.integer({ help: "how long a silent primary stays primary", default: 15, min: 1, max: 3600 }),
  readFromReplica: setting.oneOf({
    help: "whether a replica answers reads: never, stale (whatever it has), bounded (if fresh enough)",
    values: ["never", "stale", "bounded"],
    default: "never",
  }),
  maxStalenessMs: setting.integer({ help: "for bounded: how old", default: 1000, min: 1, max: 3_600_000 }),
  readyLagMs: setting.integer({
    help: "a replica staler than this is not ready",
    default: 10_000,
    min: 100,
    max: 3_600_000,
  }),
  maxClients: setting.integer({ help: "client connections", default: 10_000, min: 1, max: 1_000_000 }),
  idleTimeoutSeconds: setting.integer({
    help: "end connections silent for so long; 0: never",
    default: 0,
    min: 0,
    max: 86_400,
  }),
  maxValueMib: setting.integer({ help: "longest value", default: 15, min: 1, max: 60 }),
  diskReserveMib: setting.integer({ help: "refuse writes when less is free", default: 64, min: 0, max: 1_000_000 }),
  password: setting.secret({ help: "clients must give it (AUTH)", env: "KVSTORE_PASSWORD" }),
  serviceName: setting.string({ help: "headless Service, for the members' stable names", default: "kvstore-headless" }),
  clusterDomain: setting.string({ help: "domain of the cluster's DNS", default: "cluster.local" }),
} as const;

export type ServerSettings = ConfigOf<typeof SETTINGS>;

export const mibToBytes = (mib: number): number => mib * MIB;
