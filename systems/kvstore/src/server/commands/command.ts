/** COMMAND: the table of commands as clients, proxies and redis-cli's hints ask for it. */
import { type Reply, ReplyError, ReplyMap, Status } from "../../reply.ts";
import { type Args, type Command, hasArity, type SessionCommand } from "../command.ts";
import type { Session } from "../session.ts";
import { container } from "./container.ts";

type All = () => readonly Command[];

/** COMMAND needs the table that this row is part of. */
export function commandCommand(all: All): SessionCommand {
  const { subcommands, run } = container("command", {
    COUNT: { arity: 2, run: () => all().length },
    LIST: { arity: -2, run: () => all().map(({ name }) => name) },
    INFO: { arity: -2, run: (_: Session, args: Args) => (args.length === 1 ? all() : named(all, args)).map(row) },
    GETKEYS: { arity: -4, run: (_: Session, args: Args) => keysOf(all(), args.slice(1)) },
    DOCS: { arity: -2, run: (_: Session, args: Args) => docs(args.length === 1 ? all() : named(all, args)) },
  });
  return {
    kind: "session",
    name: "command",
    arity: -1,
    summary: "Tells about commands.",
    subcommands,
    run: (session, args) => (args.length === 0 ? all().map(row) : run(session, args)),
  };
}

/** COMMAND GETKEYS name arg ...: for proxies that must know. */
function keysOf(commands: readonly Command[], words: Args): Reply {
  const found = commands.find(({ name }) => name === words[0]?.toString().toLowerCase());
  if (!found) return new ReplyError("ERR Invalid command specified");
  if (!found.keys) return new ReplyError("ERR The command has no key arguments");
  if (!hasArity(found, words.length)) return new ReplyError("ERR Invalid number of arguments specified for command");
  const [first, last, step] = found.keys;
  const end = last < 0 ? words.length + last : last;
  return words.filter((_, index) => index >= first && index <= end && (index - first) % step === 0);
}

/** In the order asked for; undefined for what is no command. */
const named = (all: All, args: Args): readonly (Command | undefined)[] =>
  args.slice(1).map((arg) => all().find(({ name }) => name === arg.toString().toLowerCase()));

const FLAGS: Readonly<Record<Command["kind"], readonly string[]>> = {
  read: ["readonly"],
  write: ["write", "denyoom"],
  session: ["loading", "stale", "fast"],
};

function row(command: Command | undefined): Reply {
  if (!command) return null;
  const { name, arity, kind, keys, subcommands = {} } = command;
  const [first, last, step] = keys ?? [0, 0, 0];
  const inner = Object.entries(subcommands).map(([word, { arity }]) => subRow(`${name}|${word.toLowerCase()}`, arity));
  return [name, arity, FLAGS[kind].map((flag) => new Status(flag)), first, last, step, [], [], [], inner];
}

const subRow = (name: string, arity: number): Reply => [name, arity, [], 0, 0, 0, [], [], [], []];

const docs = (commands: readonly (Command | undefined)[]): Reply =>
  new ReplyMap(commands.flatMap((command) => (command ? [[command.name, doc(command)] as const] : [])));

const doc = ({ summary, kind }: Command): Reply =>
  new ReplyMap([
    ["summary", summary],
    ["since", "0.1.0"],
    ["group", kind === "session" ? "server" : "string"],
  ]);
