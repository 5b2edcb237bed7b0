/** `startnode <miner> <webserver> <peers… or local> -- <mining address>`: the original's way to say what settings say. */
import { BlockchainError } from "../errors.ts";

const TRUTHS: Readonly<Record<string, boolean>> = { yes: true, no: false, true: true, false: false };

/** As flags of `node`. Throws BlockchainError `config`. */
export function startNodeFlags(argv: readonly string[]): readonly string[] {
  const end = argv.indexOf("--");
  const [miner, webServer, ...peers] = end < 0 ? argv : argv.slice(0, end);
  const [address, ...more] = end < 0 ? [] : argv.slice(end + 1);
  if (more.length > 0) throw new BlockchainError("config", "one mining address at most stands behind --");
  const isMiner = truth("miner", miner);
  const isWebServer = truth("webserver", webServer);
  if (isMiner && isWebServer) throw new BlockchainError("config", "a node is either a miner or a webserver: yes twice");
  return [
    isMiner ? "--node-is-miner" : "--no-node-is-miner",
    isWebServer ? "--node-is-web-server" : "--no-node-is-web-server",
    ...(peers.length > 0 ? ["--node-connect-nodes", peers.join(",")] : []),
    ...(address ? ["--node-mining-address", address] : []),
  ];
}

function truth(what: string, word: string | undefined): boolean {
  const value = TRUTHS[word?.toLowerCase() ?? ""];
  if (value === undefined) throw new BlockchainError("config", `${what}: say yes or no, not ${word ?? "nothing"}`);
  return value;
}
