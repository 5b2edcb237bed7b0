/** The `whitewater` command. A server loads nothing of the client and a client nothing of the server: pods start often, people wait each time. */
import { messageOf, systemCode } from "./errors.ts";

/** Exit codes: 0 done, 1 not found or refused, 2 wrong usage or settings, 3 no server reached. */
const EXIT_CODES: Readonly<Record<string, number>> = { unreachable: 3, usage: 2, config: 2 };

/** The seed's manifests start the image without arguments: that means a server. */
const isServer = ([first]: readonly string[]): boolean =>
  first === "server" || (first === undefined && process.env.POD_NAME !== undefined);

/** Runs the command line and sets the process's exit code; never rejects. */
export async function main(argv: readonly string[] = process.argv.slice(2)): Promise<void> {
  try {
    if (isServer(argv)) await server(argv.slice(1));
    else process.exitCode = await (await import("./cli/program.ts")).runProgram(argv);
  } catch (error) {
    process.stderr.write(`whitewater: ${messageOf(error)}\n`);
    process.exitCode = EXIT_CODES[systemCode(error) ?? ""] ?? 1;
    // A server that could not start may have opened things that keep the process alive.
    if (isServer(argv)) process.exit();
  }
}

async function server(argv: readonly string[]): Promise<void> {
  if (argv.includes("--help") || argv.includes("-h")) return printServerHelp();
  const { runServer } = await import("./node/run.ts");
  await runServer(argv);
}

async function printServerHelp(): Promise<void> {
  const [{ describeConfig }, { SETTINGS }] = await Promise.all([import("@coracle/pod"), import("./node/settings.ts")]);
  process.stdout.write(
    `Usage: whitewater server [options]\n\nOptions, each also as an environment variable:\n${describeConfig(SETTINGS)}\n`,
  );
}
