/** What tools ask about a key's value beyond the value: redis-cli --memkeys and --hotkeys, monitoring, curious people. */
import { NOT_AN_INTEGER, type Reply, ReplyError, SYNTAX_ERROR } from "../../reply.ts";
import type { ReadableKeyspace } from "../../store/keyspace.ts";
import { parseInteger } from "../../store/numbers.ts";
import { valueIn } from "../../store/value.ts";
import { type Args, at, type Command, keyword, type ReadCommand } from "../command.ts";
import { container, type Subcommands } from "./container.ts";

type Run = ReadCommand["run"];

/** The longest string that Redis keeps in one piece with its header. */
const LONGEST_EMBEDDED = 44;

const ofValue =
  (tell: (value: Buffer) => Reply): Run =>
  (space, args) => {
    const stored = space.get(at(args, 1));
    return stored ? tell(valueIn(stored)) : null;
  };

/** What Redis would call a value that was just set; here all are kept alike. */
const encodingOf = (value: Buffer): Reply =>
  parseInteger(value) !== undefined ? "int" : value.length <= LONGEST_EMBEDDED ? "embstr" : "raw";

const NOT_TRACKED = new ReplyError("ERR nothing is evicted here, so neither idle time nor access frequency is tracked");

const OBJECT: Subcommands<Run> = {
  ENCODING: { arity: 3, run: ofValue(encodingOf) },
  REFCOUNT: { arity: 3, run: ofValue(() => 1) },
  IDLETIME: { arity: 3, run: ofValue(() => NOT_TRACKED) },
  FREQ: { arity: 3, run: ofValue(() => NOT_TRACKED) },
};

/** MEMORY USAGE key [SAMPLES n]: bytes of the row; samples are for values that have parts. */
function usage(space: ReadableKeyspace, args: Args): Reply {
  if (args.length !== 2 && (args.length !== 4 || keyword(args[2]) !== "SAMPLES")) return SYNTAX_ERROR;
  const samples = args[3] ? parseInteger(args[3]) : 0n;
  if (samples === undefined) return NOT_AN_INTEGER;
  if (samples < 0n) return SYNTAX_ERROR;
  const [key, stored] = [at(args, 1), space.get(at(args, 1))];
  return stored ? key.length + stored.length : null;
}

const MEMORY: Subcommands<Run> = { USAGE: { arity: -3, run: usage } };

export const OBJECT_COMMANDS: readonly Command[] = [
  {
    kind: "read",
    name: "object",
    arity: -2,
    keys: [2, 2, 1],
    summary: "Tells how a value is kept.",
    ...container("object", OBJECT),
  },
  {
    kind: "read",
    name: "memory",
    arity: -2,
    summary: "Tells the bytes that a key takes.",
    ...container("memory", MEMORY),
  },
];
