/** The `blockchain` command. A node loads nothing of the client and a client nothing of the node. */
import { messageOf } from "./errors.ts";

/** Exit codes: 0 done, 1 refused, 2 wrong usage or settings, 3 no node reached. */
const EXIT_CODES: Readonly<Record<string, number>> = { connection: 3, config: 2, "bad-config": 2 };

/** Runs the command line and sets the process's exit code; never rejects. Without words it runs a node, as an image does. */
export async function main(argv: readonly string[] = process.argv.slice(2)): Promise<void> {
  const [word = "node", ...rest] = argv;
  const isNode = word === "node" || word === "startnode";
  try {
    if (!isNode) process.exitCode = await (await import("./cli/program.ts")).runProgram(argv);
    else await node(rest, word === "startnode");
  } catch (error) {
    process.stderr.write(`blockchain: ${messageOf(error)}\n`);
    process.exitCode = exitCodeOf(error);
    // A node that could not start may have opened things that keep the process alive.
    if (isNode) process.exit();
  }
}

async function node(argv: readonly string[], isOriginal: boolean): Promise<void> {
  if (argv.includes("--help") || argv.includes("-h")) return printHelp();
  const flags = isOriginal ? (await import("./cli/start-node.ts")).startNodeFlags(argv) : argv;
  const { runNode } = await import("./node/run.ts");
  await runNode(flags);
}

async function printHelp(): Promise<void> {
  const [{ describeConfig }, { SETTINGS }] = await Promise.all([import("@coracle/pod"), import("./node/settings.ts")]);
  process.stdout.write(
    `Usage: blockchain node [options]\n\nOptions, each also as an environment variable:\n${describeConfig(SETTINGS)}\n`,
  );
}

function exitCodeOf(error: unknown): number {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return EXIT_CODES[code] ?? 1;
}
