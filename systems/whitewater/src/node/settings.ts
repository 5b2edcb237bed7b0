/** Every setting of `whitewater server`: flag `--data-dir`, environment `DATA_DIR`, in this order. */
import { type ConfigOf, setting } from "@coracle/pod";

export const SETTINGS = {
  dataDir: setting.string({ help: "folder of the log and the data", default: "./data" }),
  host: setting.string({
    help: "address to listen on (default: every address in Kubernetes, else POD_IP or 127.0.0.1)",
  }),
  port: setting.integer({ help: "port for HTTP and for the other members", default: 8090, min: 0, max: 65_535 }),
  etcdPort: setting.integer({ help: "port for etcd's clients (gRPC)", default: 2379, min: 0, max: 65_535 }),
  podName: setting.string({ help: "this pod's name (default: the host's)" }),
  podIp: setting.string({ help: "this pod's address" }),
  namespace: setting.string({ help: "the pod's namespace", default: "default" }),
  serviceName: setting.string({ help: "discovery by DNS: the headless Service" }),
  servicePortName: setting.string({ help: "discovery by DNS: the name of its port" }),
  labelSelector: setting.string({ help: "discovery by the Kubernetes API: selects the pods" }),
  peersFile: setting.string({ help: 'discovery by a file: {"peers":["host:port"]}' }),
  clusterDomain: setting.string({ help: "domain of the cluster's DNS", default: "cluster.local" }),
  advertise: setting.string({
    help: "host:port that the others reach this pod at (default: its stable DNS name, else POD_IP)",
  }),
  initialClusterSize: setting.integer({
    help: "how many pods form the cluster at first boot: the lowest ordinals; the same number at each",
    default: 3,
    min: 1,
    max: 7,
  }),
  maxVoters: setting.integer({
    help: "pods of this ordinal and above stay learners: they hold the data, but no majority needs them",
    default: 5,
    min: 1,
    max: 9,
  }),
  removeAfter: setting.durationMs({
    help: "remove members of the highest ordinals that discovery has not shown for so long; at once where the API tells the wanted number",
    default: 60_000,
  }),
  electionMs: setting.integer({
    help: "silence of the leader, in milliseconds, after which another is elected",
    default: 400,
    min: 100,
    max: 60_000,
  }),
  heartbeatMs: setting.integer({ help: "between the leader's heartbeats", default: 100, min: 10, max: 10_000 }),
  readyLagEntries: setting.integer({
    help: "a member that lacks more committed entries is not ready",
    default: 10_000,
    min: 1,
    max: 10_000_000,
  }),
  maxConnections: setting.integer({ help: "connections on the HTTP port", default: 2000, min: 10, max: 100_000 }),
  maxRequests: setting.integer({
    help: "HTTP requests under way, watches included",
    default: 1000,
    min: 1,
    max: 100_000,
  }),
  maxRequestKib: setting.integer({ help: "longest request", default: 1536, min: 1, max: 15_360 }),
  requestTimeout: setting.durationMs({ help: "when an HTTP request is given up", default: 10_000 }),
  quotaMib: setting.integer({
    help: "size of the store at which writes are refused; 0: none",
    default: 2048,
    min: 0,
    max: 65_536,
  }),
  diskReserveMib: setting.integer({
    help: "take no writes and give up leadership when less is free",
    default: 64,
    min: 0,
    max: 1_000_000,
  }),
  tlsCertFile: setting.string({
    help: "certificate of this member (PEM); with key and CA: TLS, mutual between members",
  }),
  tlsKeyFile: setting.string({ help: "its key" }),
  tlsCaFile: setting.string({ help: "who holds a certificate of this CA is a member" }),
} as const;

export type ServerSettings = ConfigOf<typeof SETTINGS>;

export const mibToBytes = (mib: number): number => mib * 1024 * 1024;
