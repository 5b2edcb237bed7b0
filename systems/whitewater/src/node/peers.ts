/** Discovery as the environment chooses it, and its answer in the words of the seed's program. */
import type { KubeClient } from "@coracle/kube";
import { type Discovery, discover, type Logger, type Peer } from "@coracle/pod";
import { addressOf } from "../membership/address-book.ts";
import type { ServerSettings } from "./settings.ts";

export type Surroundings = Pick<
  ServerSettings,
  "peersFile" | "labelSelector" | "serviceName" | "servicePortName" | "namespace" | "clusterDomain" | "port"
>;

/** The way to look, or undefined where none is set: then this pod is alone. */
export function startDiscovery(
  settings: Surroundings,
  kube: KubeClient | undefined,
  logger: Logger,
  onQuestion?: () => void,
): Discovery | undefined {
  const { peersFile, labelSelector, serviceName, servicePortName, namespace, clusterDomain, port } = settings;
  const isSet = peersFile !== undefined || labelSelector !== undefined || (serviceName && servicePortName);
  if (!isSet) return undefined;
  const env = {
    ...process.env,
    PEERS_FILE: peersFile,
    LABEL_SELECTOR: labelSelector,
    SERVICE_NAME: serviceName,
    SERVICE_PORT_NAME: servicePortName,
    NAMESPACE: namespace,
    CLUSTER_DOMAIN: clusterDomain,
  };
  return discover({ env, port, logger, ...(kube && { kube }), ...(onQuestion && { onQuestion }) });
}

/** By API the seed's program prints one pod a line, by DNS and file one list. */
export function peerLines(source: Discovery["source"], peers: readonly Peer[]): string {
  if (source !== "api") return `Peers: [${peers.map((peer) => JSON.stringify(addressOf(peer))).join(", ")}]`;
  return ["Peers:", ...peers.map(({ id, host }) => `  ${id} (${host})`)].join("\n");
}
