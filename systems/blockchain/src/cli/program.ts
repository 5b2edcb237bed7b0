/** The `blockchain` command but for starting a node: asks the node on this machine. */

import { join } from "node:path";
import { Command, CommanderError, InvalidArgumentError } from "commander";
import { BLOCK_LINES, printBlocks } from "./print-chain.ts";
import { callRpc, type RpcTarget, readCookie } from "./rpc-client.ts";
import { nodeStatus, statusText } from "./status.ts";

const USAGE_ERROR = 2;
const EXAMPLES = `
Examples:
  blockchain startnode yes no local                 a miner that dials nobody
  blockchain startnode no yes miner-0:2001          a webserver that dials a miner
  blockchain rpc getblockchaininfo
  blockchain rpc getblock '"<hash>"' 2
  blockchain status --json

Exit codes: 0 done, 1 refused, 2 wrong usage or settings, 3 no node reached.`;

interface Options {
  readonly host: string;
  readonly port: number;
  readonly dataDir: string;
  readonly user?: string;
  readonly wallet?: string;
}

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

function program(): Command {
  const { env } = process;
  const command = new Command("blockchain")
    .description("Proof-of-work nodes that speak Bitcoin: miners, webservers, wallets")
    .option("--host <host>", "address of the node's JSON-RPC", env.RPC_HOST ?? "127.0.0.1")
    .option("--port <port>", "its port", port, Number(env.RPC_PORT ?? 18_443))
    .option(
      "--data-dir <dir>",
      "folder with the node's cookie",
      join(env.TREE_DIR ?? "data", env.BLOCKS_TREE ?? "blocks"),
    )
    .option("--user <user>", "user instead of the cookie; the password comes from RPC_PASSWORD", env.RPC_USER)
    .option("--wallet <name>", "wallet that a call is for")
    .addHelpText("after", EXAMPLES)
    .exitOverride();
  // Both are run by main, which knows the node's own flags; here for the help.
  command.command("node").description("run a node; its settings are flags and environment variables (node --help)");
  command
    .command("startnode <miner> <webserver> [peers...]")
    .description(
      "run a node as the original does: yes or no twice, then peers or local, then -- and the mining address",
    );
  addAsking(command);
  return command;
}

function addAsking(command: Command): void {
  const call = async (method: string, ...params: unknown[]): Promise<unknown> =>
    callRpc(await targetOf(command.opts<Options>()), method, params);
  command
    .command("rpc <method> [params...]")
    .description("call any method of JSON-RPC; parameters are JSON, or text where they are no JSON")
    .action(async (method: string, params: string[]) =>
      print(resultText(await call(method, ...params.map(jsonOrText)))),
    );
  command
    .command("status")
    .description("height, tip, peers, hash rate")
    .option("--json", "as JSON")
    .action(async ({ json }: { json?: boolean }) => {
      const status = await nodeStatus(call);
      print(json ? JSON.stringify(status) : statusText(status));
    });
  command
    .command("createwallet [name]")
    .description("make a wallet if there is none of that name, its words shown this once, and show a new address of it")
    .action(async (name = "default") => {
      // As with the original, each call gives another address; the wallet itself is made once.
      const names = (await call("listwallets")) as readonly string[];
      const target = { ...(await targetOf(command.opts<Options>())), wallet: name };
      if (!names.includes(name)) {
        await call("createwallet", name);
        const { mnemonic } = (await callRpc(target, "getmnemonic", [])) as { readonly mnemonic: string };
        print(`Write these words down; who has them has the wallet:\n${mnemonic}`);
      }
      print(`Your new address: ${String(await callRpc(target, "getnewaddress", []))}`);
    });
  command
    .command("listaddresses")
    .description("addresses of the wallet")
    .action(async () => {
      const received = (await call("listreceivedbyaddress", 0, true)) as readonly { readonly address: string }[];
      for (const { address } of received) print(address);
    });
  command
    .command("printchain")
    .description("the blocks, the newest first")
    .option("--limit <count>", "blocks to show", positive, BLOCK_LINES)
    .action(async ({ limit }: { limit: number }) => {
      for await (const line of printBlocks(call, limit)) print(line);
    });
}

async function targetOf({ host, port: at, dataDir, user, wallet }: Options): Promise<RpcTarget> {
  const password = process.env.RPC_PASSWORD ?? "";
  const credentials = user ? `${user}:${password}` : await readCookie(dataDir);
  return { host, port: at, credentials, wallet };
}

/** JSON where it is JSON: numbers, true, false, null, lists, objects and quoted text; else the text itself. */
function jsonOrText(text: string): unknown {
  // A hash of digits only, or an amount beyond what a number holds, would not survive.
  if (/^\d{16,}$/.test(text)) return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

const resultText = (result: unknown): string =>
  typeof result === "string" ? result : (JSON.stringify(result, undefined, 2) ?? "null");

const print = (line: string): void => void process.stdout.write(`${line}\n`);

function whole(text: string, least: number, most: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least || value > most)
    throw new InvalidArgumentError(`expected a whole number from ${least} to ${most}`);
  return value;
}

const port = (text: string): number => whole(text, 1, 65_535);
const positive = (text: string): number => whole(text, 1, 1_000_000);
