/** A command is a row: how it is called, what it says of itself, and what it runs. */
import type { Home } from "../home.ts";
import type { Output } from "../output.ts";

export interface CommandContext {
  readonly home: Home;
  readonly output: Output;
}

export interface CommandOption {
  /** As commander writes it: `--timeout <seconds>`. */
  readonly flags: string;
  readonly description: string;
  /** May be given several times; the values are joined by commas. */
  readonly isList?: boolean;
}

export type OptionValues = Readonly<Record<string, string | boolean | undefined>>;

export interface CommandRow {
  /** Words of the command with its arguments: `cluster start`, `up <system>`. */
  readonly usage: string;
  readonly summary: string;
  readonly options?: readonly CommandOption[];
  /** Shown below the help, each a whole line. */
  readonly examples: readonly string[];
  /** Whether `--json` makes sense. */
  readonly json?: boolean;
  readonly run: (context: CommandContext, args: readonly string[], options: OptionValues) => Promise<void>;
}
