/** The client side of the command line, in commander's terms. */
import { Command, CommanderError, InvalidArgumentError } from "commander";
import { VERSION } from "../server/version.ts";
import { askOnce, type Target } from "./client.ts";
import { DATA_COMMANDS } from "./data-commands.ts";

interface GlobalOptions {
  readonly host: string;
  readonly port: number;
  readonly timeout: number;
}

const USAGE_ERROR = 2;
const EXAMPLES = `
Examples:
  kvstore server --data-dir ./data
  kvstore put testkey testvalue
  kvstore status --host kvstore-0.kvstore-headless

Exit codes: 0 done, 1 not found or refused, 2 wrong usage or settings, 3 no server reached.`;

/** Resolves with the exit code; rejects with what the command failed with. */
export async function runProgram(argv: readonly string[]): Promise<number> {
  const command = program();
  try {
    await command.parseAsync(argv, { from: "user" });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE_ERROR;
    throw error;
  }
}

function program(): Command {
  const command = new Command("kvstore")
    .description("A replicated key-value store that fails over by itself")
    .version(VERSION.kvstore)
    .option("--host <host>", "server to talk to", process.env.KVSTORE_HOST ?? "127.0.0.1")
    .option("--port <port>", "its port", positive, Number(process.env.KVSTORE_PORT ?? 5555))
    .option("--timeout <ms>", "how long to wait for an answer", positive, 10_000)
    .addHelpText("after", EXAMPLES)
    .exitOverride();
  // Run by main, which knows the server's own flags; here for the help.
  command.command("server").description("run a server: one of a group inside Kubernetes, alone elsewhere");
  addDataCommands(command);
  addStatus(command);
  addBackup(command);
  addInitRole(command);
  return command;
}

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError("expected a whole number above 0");
  return value;
}

function addDataCommands(command: Command): void {
  for (const row of DATA_COMMANDS)
    command
      .command(`${row.name} ${row.usage}`)
      .description(row.description)
      .addHelpText("after", `\nExample:\n  ${row.example}`)
      .action(async (...parameters: unknown[]) => {
        // Behind the arguments, commander hands over the options and the command.
        const reply = await askOnce(targetOf(command), ...row.words(parameters.slice(0, -2) as string[]));
        const { output, exitCode } = row.outcome(reply);
        if (output !== "") print(output);
        process.exitCode = exitCode;
      });
}

function addStatus(command: Command): void {
  command
    .command("status")
    .description("show role, primary, epoch and replicas")
    .option("--json", "as JSON")
    .action(async ({ json }: { json?: boolean }) => {
      const { readStatus, statusText } = await import("./status.ts");
      const status = await readStatus(targetOf(command));
      print(json ? JSON.stringify(status, undefined, 2) : statusText(status));
    });
}

function addBackup(command: Command): void {
  command
    .command("backup <folder>")
    .description("write a consistent, checked copy of all data into a folder")
    .option("--keep <n>", "how many backups to keep there", positive, 7)
    .addHelpText("after", "\nExample:\n  kvstore backup /backup --keep 7 --host kvstore-master")
    .action(async (dir: string, { keep }: { keep: number }) => {
      const { backup } = await import("./backup.ts");
      const { file, keys, sizeBytes, removed } = await backup({ target: targetOf(command), dir, keep });
      print(`${file}: ${keys} keys, ${sizeBytes} bytes${removed.length > 0 ? `; removed ${removed.join(", ")}` : ""}`);
    });
}

function addInitRole(command: Command): void {
  command
    .command("init-role")
    .description("for the init container: say and note the role that this pod begins with")
    .option("--dir <folder>", "where to note it", "/pod-info")
    .action(async ({ dir }: { dir: string }) => {
      const { initRole } = await import("./init-role.ts");
      const { role, reason } = await initRole(dir);
      print(`Initial role: ${role} (${reason}). From now on the Lease decides.`);
    });
}

function targetOf(command: Command): Target {
  const { host, port, timeout } = command.opts<GlobalOptions>();
  return { host, port, timeoutMs: timeout, password: process.env.KVSTORE_PASSWORD };
}

const print = (text: string): void => void process.stdout.write(`${text}\n`);
