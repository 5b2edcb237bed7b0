import { connectKube, type KubeClient } from "@coracle/kube";
import { type PodClock, systemClock } from "../clock.ts";
import { PodError } from "../errors.ts";
import { apiSource } from "./api.ts";
import { dnsSource, nodeResolver, type SrvResolver } from "./dns.ts";
import { type FeedOptions, PeerFeed, type PeerSource } from "./feed.ts";
import { fileSource } from "./file.ts";
import type { Discovery } from "./types.ts";

export interface DiscoverOptions extends FeedOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Port to dial where the source names none. */
  readonly port?: number;
  /** Client for the API source; default: a new connection. */
  readonly kube?: KubeClient;
  readonly resolver?: SrvResolver;
  /** Called for each question that is put to DNS; for metrics. */
  readonly onQuestion?: () => void;
}

/**
 * Starts looking for peers in the way that the environment chooses: `PEERS_FILE` (a file), else `LABEL_SELECTOR` (the Kubernetes API), else
 * `SERVICE_NAME` with `SERVICE_PORT_NAME` (DNS). Throws PodError `config` when it names none.
 */
export function discover(options: DiscoverOptions = {}): Discovery {
  const { env = process.env, clock = systemClock } = options;
  return new PeerFeed(choose(env, options, clock), options);
}

function choose(env: NonNullable<DiscoverOptions["env"]>, options: DiscoverOptions, clock: PodClock): PeerSource {
  const namespace = env.POD_NAMESPACE || env.NAMESPACE || "default";
  const portName = env.SERVICE_PORT_NAME || undefined;
  if (env.PEERS_FILE) return fileSource(env.PEERS_FILE, options.port, clock);
  if (env.LABEL_SELECTOR) {
    const { port, kube } = options;
    const connect = async () => kube ?? (await connectKube({ env }));
    return apiSource({ labelSelector: env.LABEL_SELECTOR, namespace, portName, port }, connect);
  }
  if (env.SERVICE_NAME && portName) {
    const clusterDomain = env.CLUSTER_DOMAIN || "cluster.local";
    return dnsSource({ service: env.SERVICE_NAME, portName, namespace, clusterDomain }, clock, counted(options));
  }
  throw new PodError(
    "config",
    "no way to find peers: set PEERS_FILE, or LABEL_SELECTOR, or SERVICE_NAME and SERVICE_PORT_NAME",
  );
}

function counted({ resolver = nodeResolver, onQuestion = () => undefined }: DiscoverOptions): SrvResolver {
  return {
    resolveSrv: (name) => {
      onQuestion();
      return resolver.resolveSrv(name);
    },
    ttlSeconds: (host) => {
      onQuestion();
      return resolver.ttlSeconds(host);
    },
  };
}
