/** Builds the command line out of the table of commands. */
import { Command } from "commander";
import { commands } from "./commands/table.ts";
import type { CommandRow, OptionValues } from "./commands/types.ts";
import { coracleHome } from "./home.ts";
import { createOutput } from "./output.ts";

const groups: Readonly<Record<string, string>> = {
  cluster: "the embedded cluster",
  fault: "what goes wrong on purpose",
  node: "the virtual nodes",
};

export function createProgram(): Command {
  const program = new Command("coracle")
    .description("Highly available systems on a Kubernetes small enough to carry.")
    .showHelpAfterError("(coracle --help lists the commands)")
    .addHelpText("after", "\nStart here:\n  coracle up kvstore");
  for (const row of commands) addCommand(parentOf(program, row), row);
  return program;
}

/** `cluster start` belongs to the group `cluster`, made on first sight. */
function parentOf(program: Command, { usage }: CommandRow): Command {
  const [first = "", second] = usage.split(" ");
  if (second === undefined || /^[<[]/.test(second)) return program;
  return (
    program.commands.find((command) => command.name() === first) ??
    program.command(first).description(groups[first] ?? "")
  );
}

const joined = (value: string, before: string | undefined): string =>
  before === undefined ? value : `${before},${value}`;

function addCommand(parent: Command, row: CommandRow): void {
  const words = parent.parent ? row.usage.split(" ").slice(1).join(" ") : row.usage;
  const command = parent.command(words).description(row.summary);
  for (const { flags, description, isList } of row.options ?? [])
    if (isList) command.option(flags, description, joined);
    else command.option(flags, description);
  if (row.json) command.option("--json", "print the result as JSON");
  command.addHelpText("after", `\nExamples:\n${row.examples.map((example) => `  ${example}`).join("\n")}`);
  command.action(async (...call: unknown[]) => {
    const options = command.opts<OptionValues>();
    const args = call
      .slice(0, -2)
      .flat()
      .filter((arg): arg is string => typeof arg === "string");
    await row.run({ home: coracleHome(), output: createOutput(options.json === true) }, args, options);
  });
}
