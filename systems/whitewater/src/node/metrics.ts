/** What Prometheus may know: gauges read when it asks, counters and histograms fed by Raft's hooks. */
import type { HealthServer } from "@coracle/pod";
import type { RaftMetrics } from "@coracle/raft";
import { Counter, Gauge, Histogram } from "prom-client";
import type { RunningMember } from "../http/context.ts";
import type { DiskGuard } from "./disk-guard.ts";

type Registry = HealthServer["metrics"];

export interface Observed extends RunningMember {
  readonly disk: Pick<DiskGuard, "freeBytes">;
  readonly requests: () => number;
}

export interface Metrics {
  readonly raft: RaftMetrics;
  /** Discovery put a question to DNS. */
  asked(): void;
  /** Begins to report on this member. */
  observe(member: Observed): void;
}

/** One row per gauge: name, help, value. */
const GAUGES: readonly (readonly [string, string, (member: Observed) => number])[] = [
  ["whitewater_is_leader", "1 on the leader", ({ raft }) => Number(raft.status().role === "leader")],
  ["whitewater_has_leader", "1 where a leader is known", ({ raft }) => Number(raft.status().leader !== undefined)],
  ["whitewater_term", "Raft's term", ({ raft }) => raft.status().term],
  ["whitewater_voters", "Members that vote", ({ raft }) => raft.status().members.filter((m) => !m.isLearner).length],
  [
    "whitewater_learners",
    "Members that do not vote",
    ({ raft }) => raft.status().members.filter((m) => m.isLearner).length,
  ],
  ["whitewater_inactive_members", "Members that the leader does not hear; on the leader", inactive],
  ["whitewater_last_index", "Newest log entry here", ({ raft }) => raft.status().lastIndex],
  ["whitewater_commit_index", "Newest committed log entry known here", ({ raft }) => raft.status().commitIndex],
  ["whitewater_applied_index", "Newest log entry in the store here", ({ raft }) => raft.status().appliedIndex],
  ["whitewater_log_bytes", "Size of the log", ({ raft }) => raft.status().logBytes],
  ["whitewater_revision", "Revision of the store", ({ kv }) => kv.status().revision],
  ["whitewater_keys", "Keys stored", ({ kv }) => kv.status().keys],
  ["whitewater_store_bytes", "Size of the store, as the quota counts it", ({ kv }) => kv.status().sizeBytes],
  ["whitewater_store_quota_bytes", "The quota; 0 for none", ({ kv }) => kv.status().quotaBytes],
  ["whitewater_leases", "Leases", ({ kv }) => kv.status().leases],
  ["whitewater_watchers", "Watches", ({ kv }) => kv.status().watchers],
  ["whitewater_alarms", "Alarms that are active", ({ kv }) => kv.alarms().length],
  ["whitewater_http_requests", "HTTP requests under way", ({ requests }) => requests()],
  ["whitewater_disk_free_bytes", "Room on the data disk", ({ disk }) => disk.freeBytes()],
];

function inactive({ raft }: Observed): number {
  const { progress } = raft.status();
  return progress.filter(({ isActive }) => !isActive).length;
}

const BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export function registerMetrics(registry: Registry): Metrics {
  const registers = [registry];
  const histogram = (name: string, help: string): Histogram =>
    new Histogram({ name, help, buckets: BUCKETS, registers });
  const counter = (name: string, help: string): Counter => new Counter({ name, help, registers });
  const commits = histogram("whitewater_commit_seconds", "From proposal to result, of the longest wait of each group");
  const reads = histogram("whitewater_read_barrier_seconds", "How long linearizable reads wait");
  const syncs = histogram("whitewater_append_seconds", "Writing a group of entries to the log, synced");
  const proposed = counter("whitewater_proposals_total", "Commands acknowledged that were proposed here");
  const elections = counter("whitewater_elections_total", "Elections that this member began");
  const questions = counter("whitewater_discovery_questions_total", "Questions that discovery put to DNS");
  const snapshots = new Counter({
    name: "whitewater_snapshots_total",
    help: "Snapshots written here, sent, and received",
    labelNames: ["what"],
    registers,
  });
  return {
    asked: () => questions.inc(),
    raft: {
      proposed: (count, ms) => {
        proposed.inc(count);
        commits.observe(ms / 1000);
      },
      readBarrier: (ms) => reads.observe(ms / 1000),
      appended: (_, ms) => syncs.observe(ms / 1000),
      campaigned: () => elections.inc(),
      snapshotWritten: () => snapshots.inc({ what: "written" }),
      snapshotSent: () => snapshots.inc({ what: "sent" }),
      snapshotReceived: () => snapshots.inc({ what: "received" }),
    },
    observe: (member) => {
      for (const [name, help, read] of GAUGES) {
        const collect = function (this: Gauge): void {
          const value = read(member);
          if (Number.isFinite(value)) this.set(value);
        };
        new Gauge({ name, help, registers, collect });
      }
    },
  };
}
