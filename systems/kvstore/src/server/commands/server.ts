/** Commands about the server: what clients ask when they connect, and what operators ask. */
import type { LogStatus } from "@coracle/lease-log";
import { NOT_AN_INTEGER, OK, type Reply, ReplyError, ReplyMap, Status } from "../../reply.ts";
import { parseInteger } from "../../store/numbers.ts";
import { type Args, at, type Command, keyword, type SessionCommand } from "../command.ts";
import { infoText, split } from "../info.ts";
import type { Session } from "../session.ts";
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

function config(session: Session, args: Args): Reply {
  const verb = keyword(args[0]);
  if (verb === "RESETSTAT") return OK;
  if (verb === "SET")
    return new ReplyError(
      "ERR settings come from the environment and flags of `kvstore server`; restart it to change one",
    );
  if (verb !== "GET" || args.length < 2) return new ReplyError(`ERR unknown subcommand '${args[0]}'. Try CONFIG HELP.`);
  const globs = args.slice(1).map((pattern) => compileGlob(pattern.toString("latin1").toLowerCase()));
  return new ReplyMap(Object.entries(settings(session)).filter(([name]) => globs.some((glob) => glob.matches(name))));
}

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

/** COMMAND needs the table that this row is part of. */
export function serverCommands(all: () => readonly Command[]): readonly SessionCommand[] {
  return [
    command({
      name: "info",
      arity: -1,
      summary: "Tells about the server, in sections.",
      run: ({ server }, args) =>
        infoText(
          server,
          args.map((arg) => arg.toString().toLowerCase()),
        ),
    }),
    command({ name: "config", arity: -2, summary: "Tells settings (GET).", run: config }),
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
    command({
      name: "command",
      arity: -1,
      summary: "Tells about commands.",
      run: (_, args) => describeCommands(all(), args),
    }),
  ];
}

function describeCommands(all: readonly Command[], args: Args): Reply {
  const verb = keyword(args[0]);
  const named = args.slice(1).map((name) => name.toString().toLowerCase());
  const chosen = named.length === 0 ? all : all.filter(({ name }) => named.includes(name));
  if (args.length === 0) return all.map(row);
  if (verb === "COUNT") return all.length;
  if (verb === "LIST") return all.map(({ name }) => name);
  if (verb === "INFO") return named.length === 0 ? all.map(row) : named.map((name) => rowNamed(all, name));
  if (verb === "DOCS") return new ReplyMap(chosen.map((entry) => [entry.name, docs(entry)]));
  return new ReplyError(`ERR unknown subcommand '${args[0]}'. Try COMMAND HELP.`);
}

function rowNamed(all: readonly Command[], wanted: string): Reply {
  const found = all.find(({ name }) => name === wanted);
  return found ? row(found) : null;
}

function row({ name, arity, kind, keys }: Command): Reply {
  const flags = { read: ["readonly"], write: ["write", "denyoom"], session: ["loading", "stale", "fast"] }[kind];
  const [first, last, step] = keys ?? [0, 0, 0];
  return [name, arity, flags.map((flag) => new Status(flag)), first, last, step, [], [], [], []];
}

const docs = ({ summary, kind }: Command): Reply =>
  new ReplyMap([
    ["summary", summary],
    ["since", "0.1.0"],
    ["group", kind === "session" ? "server" : "string"],
  ]);
