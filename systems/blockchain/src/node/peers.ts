/** Tells the network whom discovery names. */
import { type Discovery, discover, type Logger, type PodIdentity } from "@coracle/pod";
import type { PeerNetwork } from "../p2p/network.ts";
import type { HostPort } from "./addresses.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** Undefined where the environment names no way to find peers; then the settings' list is all there is. */
export function startDiscovery(env: Env, port: number, logger: Logger): Discovery | undefined {
  const isWanted = env.PEERS_FILE || env.LABEL_SELECTOR || (env.SERVICE_NAME && env.SERVICE_PORT_NAME);
  return isWanted ? discover({ env, port, logger }) : undefined;
}

/** Returns how to stop. `fixed` are dialled whatever discovery says. */
export function followDiscovery(
  network: Pick<PeerNetwork, "setNamed">,
  discovery: Discovery | undefined,
  fixed: readonly HostPort[],
  self: PodIdentity,
): () => void {
  const tell = (): void => {
    const found = (discovery?.peers() ?? []).filter(({ id, terminating }) => id !== self.name && !terminating);
    network.setNamed([...fixed, ...found]);
  };
  tell();
  return discovery?.subscribe(tell) ?? (() => undefined);
}
