/** CLIENT: what connections are called, who they are, and their end. */
import { NOT_AN_INTEGER, OK, type Reply, ReplyError, Report, SYNTAX_ERROR } from "../../reply.ts";
import { parseInteger } from "../../store/numbers.ts";
import { type Args, at, keyword, type SessionCommand } from "../command.ts";
import type { Session } from "../session.ts";
import { container, type Subcommands } from "./container.ts";

export function setName(session: Session, name: Buffer): Reply {
  if (!/^[!-~]*$/.test(name.toString("latin1")))
    return new ReplyError("ERR Client names cannot contain spaces, newlines or special characters.");
  session.name = name.toString("latin1");
  return OK;
}

function setInfo(session: Session, args: Args): Reply {
  const [attribute, value] = [keyword(args[1]), at(args, 2).toString("latin1")];
  if (attribute === "LIB-NAME") session.library = value;
  else if (attribute === "LIB-VER") session.libraryVersion = value;
  else return new ReplyError(`ERR Unrecognized option '${args[1]}'`);
  return OK;
}

/** A line of CLIENT LIST and CLIENT INFO. Clients (redis-py) insist on every number that Redis tells, so those of buffers that are not here are 0. */
function describe(session: Session): string {
  const age = (since: number): number => Math.floor((Date.now() - since) / 1000);
  const { isOpen, queued } = session.transaction;
  const { pendingBytes = 0, unsentBytes = 0 } = session.server.connectionOf(session) ?? {};
  const fields = {
    id: session.id,
    addr: session.address,
    laddr: session.localAddress,
    name: session.name,
    age: age(session.connectedAt),
    idle: age(session.lastActiveAt),
    flags: isOpen ? "x" : "N",
    db: 0,
    sub: 0,
    psub: 0,
    multi: isOpen ? queued.length : -1,
    qbuf: pendingBytes,
    "qbuf-free": 0,
    "argv-mem": 0,
    obl: 0,
    oll: 0,
    omem: unsentBytes,
    "tot-mem": pendingBytes + unsentBytes,
    cmd: session.lastCommand,
    user: "default",
    "lib-name": session.library,
    "lib-ver": session.libraryVersion,
    resp: session.respVersion,
  };
  return `${Object.entries(fields)
    .map(([key, value]) => `${key}=${value}`)
    .join(" ")}\n`;
}

type Filter = (session: Session) => boolean;

const CLIENT_TYPES = new Set(["normal", "master", "slave", "replica", "pubsub"]);

/** Every client here is a normal one: members replicate on another port. */
function typeFilter(word: Buffer | undefined): Filter | ReplyError {
  const type = keyword(word).toLowerCase();
  return CLIENT_TYPES.has(type) ? () => type === "normal" : new ReplyError(`ERR Unknown client type '${word}'`);
}

/** CLIENT LIST [TYPE type | ID id ...] */
function list({ server }: Session, args: Args): Reply {
  const filter = listFilter(args);
  return filter instanceof ReplyError ? filter : new Report([...server.sessions].filter(filter).map(describe).join(""));
}

function listFilter(args: Args): Filter | ReplyError {
  if (args.length === 1) return () => true;
  if (keyword(args[1]) === "TYPE" && args.length === 3) return typeFilter(args[2]);
  if (keyword(args[1]) !== "ID" || args.length < 3) return SYNTAX_ERROR;
  const ids = args.slice(2).map(parseInteger);
  if (ids.includes(undefined)) return new ReplyError("ERR Invalid client ID");
  return ({ id }) => ids.includes(BigInt(id));
}

/** Filters of CLIENT KILL in its newer form, by name. */
const KILL_FILTERS: Readonly<Record<string, (value: Buffer) => Filter | ReplyError>> = {
  ID: (value) => {
    const wanted = parseInteger(value);
    if (wanted === undefined || wanted < 1n) return new ReplyError("ERR client-id should be greater than 0");
    return ({ id }) => BigInt(id) === wanted;
  },
  TYPE: typeFilter,
  ADDR: (value) => {
    const wanted = value.toString();
    return ({ address }) => address === wanted;
  },
  LADDR: (value) => {
    const wanted = value.toString();
    return ({ localAddress }) => localAddress === wanted;
  },
  USER: (value) =>
    value.toString() === "default" ? () => true : new ReplyError(`ERR No such user '${value.toString()}'`),
};

/** CLIENT KILL addr:port, or filter value ... with how many were ended for an answer; SKIPME yes (the default there) spares the asker. */
function kill(session: Session, args: Args): Reply {
  if (args.length === 2) {
    const found = [...session.server.sessions].filter(({ address }) => address === at(args, 1).toString());
    return end(session, found) > 0 ? OK : new ReplyError("ERR No such client");
  }
  const filters: Filter[] = [];
  let skipsMe = true;
  for (let i = 1; i < args.length; i += 2) {
    const [option, value] = [keyword(args[i]), args[i + 1]];
    if (!value) return SYNTAX_ERROR;
    if (option === "SKIPME") {
      if (!["YES", "NO"].includes(keyword(value))) return SYNTAX_ERROR;
      skipsMe = keyword(value) === "YES";
      continue;
    }
    const filter = KILL_FILTERS[option]?.(value) ?? SYNTAX_ERROR;
    if (filter instanceof ReplyError) return filter;
    filters.push(filter);
  }
  const isMeant = (other: Session): boolean =>
    !(skipsMe && other === session) && filters.every((filter) => filter(other));
  return end(session, [...session.server.sessions].filter(isMeant));
}

/** The asker gets its answer first. */
function end(asker: Session, sessions: readonly Session[]): number {
  for (const session of sessions) {
    if (session === asker) session.isEnding = true;
    else asker.server.connectionOf(session)?.destroy();
  }
  return sessions.length;
}

const onOff = (_: Session, args: Args): Reply => (["ON", "OFF"].includes(keyword(args[1])) ? OK : SYNTAX_ERROR);

/** CLIENT UNBLOCK: WAIT ends by itself, and nothing else blocks. */
const unblock = (_: Session, args: Args): Reply => (parseInteger(at(args, 1)) === undefined ? NOT_AN_INTEGER : 0);

const CLIENT: Subcommands<(session: Session, args: Args) => Reply> = {
  ID: { arity: 2, run: ({ id }) => id },
  GETNAME: { arity: 2, run: ({ name }) => (name === "" ? null : name) },
  SETNAME: { arity: 3, run: (session, args) => setName(session, at(args, 1)) },
  SETINFO: { arity: 4, run: setInfo },
  INFO: { arity: 2, run: (session) => new Report(describe(session)) },
  LIST: { arity: -2, run: list },
  KILL: { arity: -3, run: kill },
  UNBLOCK: { arity: -3, run: unblock },
  // Nothing is evicted here, nor are keys tracked for clients.
  "NO-EVICT": { arity: 3, run: onOff },
  "NO-TOUCH": { arity: 3, run: onOff },
  GETREDIR: { arity: 2, run: () => -1 },
};

export const CLIENT_COMMAND: SessionCommand = {
  kind: "session",
  name: "client",
  arity: -2,
  summary: "Tells about connections, names them and ends them.",
  ...container("client", CLIENT),
};
