/** The client side of the command line, in commander's terms. */
import { readFileSync } from "node:fs";
import { Command, CommanderError, InvalidArgumentError } from "commander";
import { addClusterCommands } from "./cluster-commands.ts";
import { addDiscoverCommand } from "./discover-command.ts";
import { addKeyCommands } from "./key-commands.ts";
import type { Globals } from "./shared.ts";
import { addSnapshotCommands } from "./snapshot-commands.ts";

const USAGE_ERROR = 2;
const EXAMPLES = `
Examples:
  whitewater server --data-dir ./data
  whitewater put greeting hello && whitewater get greeting
  whitewater status --endpoint whitewater-0.whitewater-headless:8090

Several endpoints are tried in turn. etcdctl and etcd's other clients work on port 2379.

Exit codes: 0 done, 1 not found or refused, 2 wrong usage or settings, 3 no server reached.`;

/** Resolves with the exit code; rejects with what the command failed with. */
export async function runProgram(argv: readonly string[]): Promise<number> {
  try {
    await program().parseAsync(argv, { from: "user" });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE_ERROR;
    throw error;
  }
}

interface Options {
  readonly endpoint: string;
  readonly timeout: number;
  readonly cacert?: string;
  readonly json?: boolean;
}

function program(): Command {
  const { env } = process;
  const command = new Command("whitewater")
    .description("A Raft key-value store on discovered peers")
    .version(versionOf())
    .option(
      "--endpoint <host:port,...>",
      "servers to ask",
      env.WHITEWATER_ENDPOINTS ?? `${env.POD_IP ?? "127.0.0.1"}:8090`,
    )
    .option("--timeout <ms>", "how long to wait for an answer", positive, 10_000)
    .option("--cacert <file>", "CA of the servers' certificates; asks by TLS", env.TLS_CA_FILE)
    .option("--json", "answers as JSON")
    .addHelpText("after", EXAMPLES)
    .exitOverride();
  const globals = (): Globals => {
    const { endpoint, timeout, cacert, json = false } = command.opts<Options>();
    return { target: { endpoints: endpoint.split(",").filter(Boolean), timeoutMs: timeout, caFile: cacert }, json };
  };
  // Run by main, which knows the server's own flags; here for the help.
  command.command("server").description("run a member (whitewater server --help)");
  addKeyCommands(command, globals);
  addClusterCommands(command, globals);
  addSnapshotCommands(command, globals);
  addDiscoverCommand(command, () => globals().json);
  return withJson(command);
}

/** `--json` may stand behind the command too. */
function withJson(root: Command): Command {
  const visit = (command: Command): void => {
    for (const each of command.commands) {
      each.option("--json", "as JSON").on("option:json", () => root.setOptionValue("json", true));
      visit(each);
    }
  };
  visit(root);
  return root;
}

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError("expected a whole number above 0");
  return value;
}

function versionOf(): string {
  const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  return version;
}
