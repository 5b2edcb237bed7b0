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
  addSwitchover(command);
  addBackup(command);
  addRestore(command);
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
    .option(
      "--from-replica",
      "copy an in-sync replica of those that --host stands for, the primary only when there is none",
    )
    .addHelpText("after", "\nExample:\n  kvstore backup /backup --keep 7 --from-replica --host kvstore-headless")
    .action(async (dir: string, options: { keep: number; fromReplica?: boolean }) => {
      const { backup } = await import("./backup.ts");
      const { file, from, keys, sizeBytes, removed } = await backup({ target: targetOf(command), dir, ...options });
      const gone = removed.length > 0 ? `; removed ${removed.join(", ")}` : "";
      print(`${file}: ${keys} keys, ${sizeBytes} bytes, from ${from}${gone}`);
    });
}

interface RestoreFlags {
  readonly from: string;
  readonly replace?: boolean;
  readonly dataDir?: string;
}

function addRestore(command: Command): void {
  command
    .command("restore <path>")
    .description("put a backup (a file, or one of a folder) into a kvstore, and read it back")
    .option("--from <name>", "of a folder: which backup", "latest")
    .option("--replace", "remove all keys that are there now; a copy of them is kept beside the backup")
    .option("--data-dir <folder>", "into this empty folder of a server that does not run, outside of Kubernetes")
    .addHelpText("after", "\nExample:\n  kvstore restore /backup --replace --host kvstore-master")
    .action(async (path: string, { from, replace = false, dataDir }: RestoreFlags) => {
      const { keys, verified, file, sha256, replaced } =
        dataDir === undefined
          ? await (await import("./restore.ts")).restore({ target: targetOf(command), path, from, replace })
          : await (await import("./restore-offline.ts")).restoreOffline({ dataDir, path, from });
      print(`${file}: ${keys} keys in it, ${verified} read back and equal (SHA-256 of the file ${sha256})`);
      if (replaced !== undefined) print(`What was there before: ${replaced}`);
    });
}

function addSwitchover(command: Command): void {
  command
    .command("switchover")
    .description("let the primary hand over to another member; no write is lost")
    .option("--to <id>", "to this one (default: an in-sync replica)")
    .option("--json", "as JSON")
    .addHelpText("after", "\nExample:\n  kvstore switchover --to kvstore-1")
    .action(async ({ to, json }: { to?: string; json?: boolean }) => {
      const { switchover } = await import("./switchover.ts");
      const result = await switchover(targetOf(command), to);
      print(
        json
          ? JSON.stringify(result)
          : result.to === result.from
            ? `${result.to} leads already`
            : `${result.to} leads in place of ${result.from}; no write for ${result.pauseMs} ms`,
      );
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
