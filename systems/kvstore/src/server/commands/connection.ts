/** Commands about the connection itself. */
import { createHash, timingSafeEqual } from "node:crypto";
import { NO_SUCH_DB, NOT_AN_INTEGER, OK, type Reply, ReplyError, ReplyMap, Status, wrongArity } from "../../reply.ts";
import { parseInteger } from "../../store/numbers.ts";
import { type Args, at, keyword, type SessionCommand } from "../command.ts";
import type { Session } from "../session.ts";
import { VERSION } from "../version.ts";
import { CLIENT_COMMAND, setName } from "./client.ts";

const command = (row: Omit<SessionCommand, "kind">): SessionCommand => ({ ...row, kind: "session" });

function ping(_: Session, args: Args): Reply {
  if (args.length > 1) return wrongArity("ping");
  return args[0] ?? new Status("PONG");
}

function select(_: Session, args: Args): Reply {
  const index = parseInteger(at(args, 0));
  if (index === undefined) return NOT_AN_INTEGER;
  return index === 0n ? OK : NO_SUCH_DB;
}

const WRONG_PASSWORD = new ReplyError("WRONGPASS invalid username-password pair or user is disabled.");

const sha256 = (bytes: Uint8Array): Buffer => createHash("sha256").update(bytes).digest();

/** Takes the same time whatever the password. */
function logIn(session: Session, user: Buffer | undefined, password: Buffer): Reply {
  const expected = session.server.password;
  // As Redis' default user without a password: whatever is given is right.
  if (expected === undefined && user) return user.toString() === "default" ? OK : WRONG_PASSWORD;
  if (expected === undefined)
    return new ReplyError(
      "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?",
    );
  const isRight = timingSafeEqual(sha256(password), sha256(Buffer.from(expected)));
  if (!isRight || (user && user.toString() !== "default")) return WRONG_PASSWORD;
  session.isAuthenticated = true;
  return OK;
}

function auth(session: Session, args: Args): Reply {
  if (args.length > 2) return new ReplyError("ERR syntax error");
  return args.length === 2 ? logIn(session, args[0], at(args, 1)) : logIn(session, undefined, at(args, 0));
}

/** HELLO [2|3 [AUTH user password] [SETNAME name]] */
function hello(session: Session, args: Args): Reply {
  const version = args[0] ? parseInteger(args[0]) : BigInt(session.respVersion);
  if (version === undefined) return new ReplyError("ERR Protocol version is not an integer or out of range");
  if (version !== 2n && version !== 3n) return new ReplyError("NOPROTO unsupported protocol version");
  for (let i = 1; i < args.length; ) {
    const option = keyword(args[i]);
    if (option === "AUTH" && i + 2 < args.length) {
      const reply = logIn(session, args[i + 1], at(args, i + 2));
      if (reply instanceof ReplyError) return reply;
      i += 3;
    } else if (option === "SETNAME" && i + 1 < args.length) {
      const reply = setName(session, at(args, i + 1));
      if (reply instanceof ReplyError) return reply;
      i += 2;
    } else return new ReplyError(`ERR Syntax error in HELLO option '${args[i]}'`);
  }
  if (!session.isAuthenticated)
    return new ReplyError(
      "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time",
    );
  session.respVersion = version === 3n ? 3 : 2;
  return greeting(session);
}

const greeting = (session: Session): Reply =>
  new ReplyMap([
    ["server", "redis"],
    ["version", VERSION.redis],
    ["proto", session.respVersion],
    ["id", session.id],
    ["mode", "standalone"],
    ["role", session.server.backend.log.status().role === "primary" ? "master" : "replica"],
    ["modules", []],
  ]);

function reset(session: Session): Reply {
  session.transaction.end();
  session.respVersion = 2;
  session.name = "";
  session.isAuthenticated = session.server.password === undefined;
  return new Status("RESET");
}

function quit(session: Session): Reply {
  session.isEnding = true;
  return OK;
}

/**
 * What a browser that was tricked into speaking to this port sends with every form: the connection ends before its body, which
 * might hold commands, is read.
 */
export const HTTP_REQUEST: SessionCommand = command({
  name: "post",
  arity: -1,
  insideMulti: true,
  summary: "",
  run: (session) => {
    session.server.logger.warn("a client speaks HTTP; it was cut off", { client: session.address });
    session.server.connectionOf(session)?.destroy();
    return null;
  },
});

export const CONNECTION_COMMANDS: readonly SessionCommand[] = [
  command({ name: "ping", arity: -1, summary: "Answers PONG or its argument.", run: ping }),
  command({ name: "echo", arity: 2, summary: "Answers its argument.", run: (_, args) => at(args, 0) }),
  command({ name: "select", arity: 2, summary: "Selects the database; there is one, 0.", run: select }),
  command({ name: "auth", arity: -2, summary: "Logs in.", run: auth }),
  command({ name: "hello", arity: -1, summary: "Agrees on the protocol's version.", run: hello }),
  CLIENT_COMMAND,
  command({ name: "reset", arity: 1, insideMulti: true, summary: "Resets the connection.", run: reset }),
  command({ name: "quit", arity: -1, insideMulti: true, summary: "Ends the connection.", run: quit }),
];
