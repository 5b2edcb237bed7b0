/** Prints the peers that this pod sees, by the way that its environment or flags choose; an init container writes them to a file. */
import { rename, writeFile } from "node:fs/promises";
import { silentLogger } from "@coracle/pod";
import { WhitewaterError } from "../errors.ts";
import { addressOf } from "../membership/address-book.ts";
import { peerLines, startDiscovery } from "../node/peers.ts";
import { print } from "./shared.ts";

export interface DiscoverOptions {
  readonly service?: string;
  readonly portName?: string;
  readonly namespace: string;
  readonly selector?: string;
  readonly file?: string;
  readonly write?: string;
  readonly wait: string;
  readonly port: string;
}

/** Rejects with `not-found` when there is no answer in time, unless a file is written: for whoever starts first that is an answer. */
export async function printPeers(options: DiscoverOptions, isJson: boolean): Promise<void> {
  const isWriting = options.write !== undefined && !isJson;
  if (isWriting) print(`Discovering peers via ${wayOf(options)}...`);
  const found = await look(options);
  const peers = found?.peers ?? [];
  const list = { peers: peers.map(addressOf) };
  if (options.write !== undefined) await replaceFile(options.write, `${JSON.stringify(list)}\n`);
  if (isWriting) print("Discovered peers:");
  if (isWriting || isJson) print(JSON.stringify(list));
  else print(found ? peerLines(found.source, peers) : "Peers: []");
  if (!found && options.write === undefined)
    throw new WhitewaterError("not-found", `Discovery had no answer within ${options.wait} s.`);
}

/** In the order of preference of packages/pod. */
const wayOf = ({ file, selector }: DiscoverOptions): string =>
  file ? "a file" : selector ? "the Kubernetes API" : "DNS";

async function look({ service, portName, namespace, selector, file, wait, port }: DiscoverOptions) {
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
