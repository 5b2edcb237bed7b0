/** Commands whose second word chooses what they do: OBJECT, CLIENT, CONFIG and the like. */
import { type Reply, Status } from "../../reply.ts";
import { type Args, keyword } from "../command.ts";

/** Rows by the second word in upper case; `arity` counts both words. */
export type Subcommands<Run> = Readonly<Record<string, { readonly arity: number; readonly run: Run }>>;

/** Whatever the first argument is: a session, or the data. */
type Running<Context, Rest extends readonly unknown[], R> = (context: Context, args: Args, ...rest: Rest) => R;

/** `run` for the command, whose arguments begin with the second word, and HELP. The rows' names and arities are checked before. */
export function container<Context, Rest extends readonly unknown[], R>(
  name: string,
  rows: Subcommands<Running<Context, Rest, R | Reply>>,
): { subcommands: typeof rows; run: Running<Context, Rest, R | Reply> } {
  const lines = [`${name.toUpperCase()} <subcommand> [<arg> ...]. Subcommands are:`, ...Object.keys(rows), "HELP"];
  const help = lines.map((line) => new Status(line));
  const subcommands: typeof rows = { ...rows, HELP: { arity: 2, run: () => help } };
  return {
    subcommands,
    run: (context, args, ...rest) => subcommands[keyword(args[0])]?.run(context, args, ...rest) ?? null,
  };
}
