/** `discover`: prints the peers that this pod sees, by the way that its environment or flags choose; an init container writes them to a file. */
import { rename, writeFile } from "node:fs/promises";
import { silentLogger } from "@coracle/pod";
import type { Command } from "commander";
import { WhitewaterError } from "../errors.ts";
import { addressOf } from "../membership/address-book.ts";
import { peerLines, startDiscovery } from "../node/peers.ts";
import { print } from "./shared.ts";

interface Options {
  readonly service?: string;
  readonly portName?: string;
  readonly namespace: string;
  readonly selector?: string;
  readonly file?: string;
  readonly write?: string;
  readonly wait: string;
  readonly port: string;
}

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
    .action(async (options: Options) => {
      const isWriting = options.write !== undefined && !isJson();
      if (isWriting) print(`Discovering peers via ${wayOf(options)}...`);
      const found = await look(options);
      const peers = found?.peers ?? [];
      const list = { peers: peers.map(addressOf) };
      if (options.write !== undefined) await replaceFile(options.write, `${JSON.stringify(list)}\n`);
      if (isWriting) print("Discovered peers:");
      if (isWriting || isJson()) print(JSON.stringify(list));
      else print(found ? peerLines(found.source, peers) : "Peers: []");
      // Whoever starts first sees nobody: for an init container that is an answer.
      if (!found && options.write === undefined)
        throw new WhitewaterError("not-found", `Discovery had no answer within ${options.wait} s.`);
    });
}

/** In the order of preference of packages/pod. */
const wayOf = ({ file, selector }: Options): string => (file ? "a file" : selector ? "the Kubernetes API" : "DNS");

async function look({ service, portName, namespace, selector, file, wait, port }: Options) {
  const discovery = startDiscovery(
    {
      serviceName: service,
      servicePortName: portName,
      namespace,
      labelSelector: selector,
      peersFile: file,
      clusterDomain: process.env.CLUSTER_DOMAIN || "cluster.local",
      port: Number(port),
    },
    undefined,
    silentLogger,
  );
  if (!discovery)
    throw new WhitewaterError(
      "usage",
      "Say how to look: --service NAME, --selector LABELS or --file PATH (or their variables).",
    );
  const timer = setTimeout(() => void discovery.stop(), Number(wait) * 1000);
  try {
    for await (const peers of discovery) return { source: discovery.source, peers };
    return undefined;
  } finally {
    clearTimeout(timer);
    await discovery.stop();
  }
}

/** A reader never sees half of it. */
async function replaceFile(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text);
  await rename(`${path}.new`, path);
}
