/** `discover`. */
import type { Command } from "commander";
import type { DiscoverOptions } from "./discover.ts";

export function addDiscoverCommand(program: Command, isJson: () => boolean): void {
  const { env } = process;
  program
    .command("discover")
    .description("print the peers that discovery shows here")
    .option("--service <name>", "by DNS: the headless Service", env.SERVICE_NAME)
    .option("--port-name <name>", "by DNS: the name of its port", env.SERVICE_PORT_NAME ?? "raft")
    .option("--namespace <name>", "the pods' namespace", env.POD_NAMESPACE || env.NAMESPACE || "default")
    .option("--selector <labels>", "by the Kubernetes API: selects the pods", env.LABEL_SELECTOR)
    .option("--file <path>", 'by a file: {"peers":["host:port"]}', env.PEERS_FILE)
    .option("--port <port>", "where the source names none", "8090")
    .option("--write <path>", 'write {"peers":["host:port"]} there; an empty list when nobody is seen in time')
    .option("--wait <seconds>", "how long to wait for an answer", "10")
    .addHelpText(
      "after",
      "\nExamples:\n  whitewater discover --service whitewater-headless\n  whitewater discover --service whitewater-headless --write /config/peers.json",
    )
    .action(async (options: DiscoverOptions) => {
      const { printPeers } = await import("./discover.ts");
      await printPeers(options, isJson());
    });
}
