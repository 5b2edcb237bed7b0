/** INFO: the sections and fields that Redis' clients and dashboards read, with what kvstore knows. */
import type { LogStatus } from "@coracle/lease-log";
import { writesBlocked } from "./backend.ts";
import type { ServerContext } from "./context.ts";
import { VERSION } from "./version.ts";

type Fields = Readonly<Record<string, string | number>>;

const SECTIONS: Readonly<Record<string, (server: ServerContext) => Fields>> = {
  server: ({ runId, port, startedAt }) => ({
    redis_version: VERSION.redis,
    kvstore_version: VERSION.kvstore,
    redis_mode: "standalone",
    os: `${process.platform} ${process.arch}`,
    arch_bits: 64,
    process_id: process.pid,
    run_id: runId,
    tcp_port: port,
    uptime_in_seconds: Math.floor((Date.now() - startedAt) / 1000),
    uptime_in_days: Math.floor((Date.now() - startedAt) / 86_400_000),
  }),
  clients: ({ sessions, maxClients }) => ({
    connected_clients: sessions.size,
    maxclients: maxClients,
    blocked_clients: 0,
  }),
  memory: memory,
  persistence: ({ backend }) => ({
    loading: backend.store.isRestoring ? 1 : 0,
    disk_free_bytes: Number.isFinite(backend.disk.freeBytes) ? backend.disk.freeBytes : -1,
  }),
  stats: ({ stats }) => ({
    total_connections_received: stats.connections,
    rejected_connections: stats.rejectedConnections,
    total_commands_processed: stats.commands,
    total_net_input_bytes: stats.bytesIn,
    total_net_output_bytes: stats.bytesOut,
  }),
  replication: ({ backend }) =>
    replication({ ...backend.log.status(), blocked: writesBlocked(backend) }, backend.clientAddress),
  keyspace: keyspace,
};

/** The text of the named sections; all of them for none, `all`, `default` and `everything`. */
export function infoText(server: ServerContext, names: readonly string[]): string {
  const isAll = names.length === 0 || names.some((name) => ["all", "default", "everything"].includes(name));
  const wanted = Object.keys(SECTIONS).filter((name) => isAll || names.includes(name));
  return wanted.map((name) => section(name, SECTIONS[name]?.(server) ?? {})).join("\r\n");
}

function section(name: string, fields: Fields): string {
  const lines = Object.entries(fields).map(([key, value]) => `${key}:${value}\r\n`);
  return `# ${name[0]?.toUpperCase()}${name.slice(1)}\r\n${lines.join("")}`;
}

function memory(): Fields {
  const { rss, heapUsed, heapTotal } = process.memoryUsage();
  return {
    used_memory: heapUsed,
    used_memory_rss: rss,
    total_heap: heapTotal,
    maxmemory: 0,
    maxmemory_policy: "noeviction",
  };
}

function keyspace({ backend }: ServerContext): Fields {
  const { size } = backend.store.reader();
  return size === 0 ? {} : { db0: `keys=${size},expires=${backend.store.expiring},avg_ttl=0` };
}

/** Redis' offsets are bytes of its stream; here they are indexes of the log. */
function replication(status: LogStatus, addressOf: (id: string) => string | undefined): Fields {
  const common = {
    role: status.role === "primary" ? "master" : "slave",
    kvstore_id: status.id,
    kvstore_primary: status.primary ?? "",
    kvstore_epoch: status.epoch,
    kvstore_mode: status.mode,
    kvstore_in_sync: status.inSync.join(","),
    kvstore_commit_index: status.commitIndex,
    kvstore_applied_index: status.applied.index,
    kvstore_blocked: status.blocked ?? "",
  };
  return status.role === "primary"
    ? { ...common, ...asMaster(status, addressOf) }
    : { ...common, ...asSlave(status, addressOf) };
}

function asMaster(status: LogStatus, addressOf: (id: string) => string | undefined): Fields {
  const replicas = status.replicas.map((replica, index) => {
    const { host, port } = split(addressOf(replica.id) ?? replica.id);
    const state = replica.state === "streaming" ? "online" : replica.state === "snapshot" ? "send_bulk" : "wait_bgsave";
    const lag = Math.ceil(replica.lagMs / 1000);
    return [
      `slave${index}`,
      `ip=${host},port=${port},state=${state},offset=${replica.durableIndex},lag=${lag}`,
    ] as const;
  });
  const online = status.replicas.filter(({ state }) => state === "streaming").length;
  return { connected_slaves: online, ...Object.fromEntries(replicas), master_repl_offset: status.last.index };
}

function asSlave(status: LogStatus, addressOf: (id: string) => string | undefined): Fields {
  const address = status.primary === undefined ? undefined : addressOf(status.primary);
  const { host, port } = split(address ?? "");
  return {
    master_host: host,
    master_port: port,
    master_link_status: Number.isFinite(status.staleMs) && address !== undefined ? "up" : "down",
    master_last_io_seconds_ago: Number.isFinite(status.staleMs) ? Math.floor(status.staleMs / 1000) : -1,
    slave_repl_offset: status.applied.index,
    slave_read_only: 1,
    connected_slaves: 0,
    master_repl_offset: status.last.index,
  };
}

export function split(address: string): { host: string; port: number } {
  const at = address.lastIndexOf(":");
  return at < 0 ? { host: address, port: 0 } : { host: address.slice(0, at), port: Number(address.slice(at + 1)) };
}
