/** Commands about the server: what clients ask when they connect, and what operators ask. */
import type { LogStatus } from "@coracle/lease-log";
import { NOT_AN_INTEGER, OK, type Reply, ReplyError, ReplyMap, Report, Status } from "../../reply.ts";
import { parseInteger } from "../../store/numbers.ts";
import { type Args, at, keyword, type SessionCommand } from "../command.ts";
import { infoText, split } from "../info.ts";
import type { Session } from "../session.ts";
import { container, type Subcommands } from "./container.ts";
import { compileGlob } from "./glob.ts";

const command = (row: Omit<SessionCommand, "kind">): SessionCommand => ({ ...row, kind: "session" });

/** Settings that clients and redis-benchmark ask for, as Redis would word them. */
const settings = ({ server }: Session): Readonly<Record<string, string>> => ({
  save: "",
  appendonly: "yes",
  appendfsync: "always",
  maxclients: String(server.maxClients),
  maxmemory: "0",
  "maxmemory-policy": "noeviction",
  databases: "1",
  port: String(server.port),
  timeout: "0",
});

function configGet(session: Session, args: Args): Reply {
  const globs = args.slice(1).map((pattern) => compileGlob(pattern.toString("latin1").toLowerCase()));
  return new ReplyMap(Object.entries(settings(session)).filter(([name]) => globs.some((glob) => glob.matches(name))));
}

const CONFIG: Subcommands<(session: Session, args: Args) => Reply> = {
  GET: { arity: -3, run: configGet },
  SET: {
    arity: -4,
    run: () =>
      new ReplyError("ERR settings come from the environment and flags of `kvstore server`; restart it to change one"),
  },
  RESETSTAT: {
    arity: 2,
    run: () => new ReplyError("ERR counters only grow here; take differences, as Prometheus does"),
  },
};

/** Redis' form: `["master", offset, replicas]` or `["slave", host, port, state, offset]`. */
function role({ server }: Session): Reply {
  const { log, clientAddress } = server.backend;
  const status = log.status();
  if (status.role === "primary") return ["master", status.last.index, replicaRows(status, clientAddress)];
  const { host, port } = split((status.primary && clientAddress(status.primary)) ?? "");
  return ["slave", host, port, Number.isFinite(status.staleMs) ? "connected" : "connect", status.applied.index];
}

const replicaRows = (status: LogStatus, addressOf: (id: string) => string | undefined): Reply =>
  status.replicas.map(({ id, durableIndex }) => {
    const { host, port } = split(addressOf(id) ?? id);
    return [host, String(port), String(durableIndex)];
  });

const MAX_WAIT_MS = 60_000;
const WAIT_STEP_MS = 5;

/** WAIT n timeout: how many replicas have on disk what this connection wrote. In sync mode all in-sync replicas have, before the reply. */
async function wait({ server }: Session, args: Args): Promise<Reply> {
  const [wanted, timeout] = [parseInteger(at(args, 0)), parseInteger(at(args, 1))];
  if (wanted === undefined || timeout === undefined) return NOT_AN_INTEGER;
  if (timeout < 0n) return new ReplyError("ERR timeout is negative");
  const status = server.backend.log.status();
  if (status.role !== "primary")
    return new ReplyError(
      "ERR WAIT cannot be used with replica instances. Please also note that since Redis 4.0 if a replica is configured to be writable (which is not the default) writes to replicas are just local and are not propagated.",
    );
  const target = status.last.index;
  const until = Date.now() + (timeout === 0n ? MAX_WAIT_MS : Math.min(Number(timeout), MAX_WAIT_MS));
  const holders = (): number =>
    server.backend.log.status().replicas.filter(({ durableIndex }) => durableIndex >= target).length;
  while (holders() < Number(wanted) && Date.now() < until)
    await new Promise((resolve) => setTimeout(resolve, WAIT_STEP_MS));
  return holders();
}

/** Answers OK and position, then streams the snapshot in bulk strings, an empty one at the end. */
async function snapshot(session: Session): Promise<Reply> {
  const { store } = session.server.backend;
  if (store.isRestoring)
    return new ReplyError("LOADING kvstore is copying the data from the primary; try again in a moment");
  const { at: position, chunks } = await store.snapshot();
  session.takeOver = () => chunks;
  return new Status(`SNAPSHOT ${position.epoch} ${position.index}`);
}

/** FAILOVER [TO id]: hands over to a replica that has caught up. */
async function failover({ server }: Session, args: Args): Promise<Reply> {
  const to = keyword(args[0]) === "TO" ? args[1]?.toString() : firstInSync(server.backend.log.status());
  if (to === undefined) return new ReplyError("ERR there is no in-sync replica to hand over to");
  try {
    await server.backend.log.switchover(to);
    return OK;
  } catch (error) {
    return new ReplyError(`ERR no failover: ${error instanceof Error ? error.message : error}`);
  }
}

const firstInSync = ({ inSync, id }: LogStatus): string | undefined => inSync.find((member) => member !== id);

const STATUS_FIELDS = ({ server }: Session): Reply =>
  JSON.stringify({ ...server.backend.log.status(), keys: server.backend.store.reader().size, pid: process.pid });

function time(): Reply {
  const now = Date.now();
  return [String(Math.floor(now / 1000)), String((now % 1000) * 1000)];
}

export const SERVER_COMMANDS: readonly SessionCommand[] = [
  command({
    name: "info",
    arity: -1,
    summary: "Tells about the server, in sections.",
    run: ({ server }, args) =>
      new Report(
        infoText(
          server,
          args.map((arg) => arg.toString().toLowerCase()),
        ),
      ),
  }),
  command({ name: "config", arity: -2, summary: "Tells settings (GET).", ...container("config", CONFIG) }),
  command({ name: "role", arity: 1, summary: "Tells the role and the other side of replication.", run: role }),
  command({ name: "wait", arity: 3, summary: "Waits until replicas hold all writes so far.", run: wait }),
  command({ name: "failover", arity: -1, summary: "Hands over to a replica.", run: failover }),
  command({ name: "time", arity: 1, summary: "Tells the server's time.", run: time }),
  command({
    name: "snapshot",
    arity: 1,
    summary: "Streams a consistent copy of all data, for backups.",
    run: snapshot,
  }),
  command({ name: "status", arity: 1, summary: "Tells the replication status as JSON.", run: STATUS_FIELDS }),
];
