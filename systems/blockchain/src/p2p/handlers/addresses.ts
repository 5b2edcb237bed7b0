/** Where other nodes are. Discovery is what counts in a cluster; this is how webservers learn of one another, and nodes outside of one. */
import { isIP } from "node:net";
import { LIMITS } from "../limits.ts";
import type { Handler } from "../net-state.ts";
import { type AddressesBody, SERVICES, type TimedAddress } from "../wire/types.ts";

const DAY_SECONDS = 86_400;

/** Once per connection, and only to those who dialled us: else anybody could draw a map of the network. */
export const onGetAddr: Handler<object> = (net, peer) => {
  if (!peer.isInbound || peer.hasSentAddresses) return;
  peer.hasSentAddresses = true;
  const nowSeconds = Math.floor(net.clock.wall() / 1000);
  const addresses = net.book
    .entries()
    .filter(({ host, lastSeenMs }) => isIP(host) !== 0 && lastSeenMs !== undefined)
    .slice(0, LIMITS.addresses - 1)
    .map(
      ({ host, port, lastSeenMs = 0 }): TimedAddress => ({
        host,
        port,
        services: SERVICES.network | SERVICES.witness,
        time: nowSeconds - Math.round((net.clock.now() - lastSeenMs) / 1000),
      }),
    );
  const own = net.externalHost;
  if (own !== undefined)
    addresses.push({ host: own, port: net.listenPort, services: SERVICES.network, time: nowSeconds });
  if (addresses.length > 0) peer.send({ command: peer.wantsAddrV2 ? "addrv2" : "addr", addresses });
};

/** Not passed on: who wants to know asks. So rubbish stays where it was sent. */
export const onAddresses: Handler<AddressesBody> = (net, peer, { addresses }) => {
  if (addresses.length > LIMITS.addresses) return net.punish(peer, 100, "too many addresses");
  const oldest = Math.floor(net.clock.wall() / 1000) - DAY_SECONDS;
  for (const { host, port, time } of addresses)
    if (port > 0 && time > oldest && isReachable(host)) net.book.add(host, port, "gossip");
};

const isReachable = (host: string): boolean => isIP(host) !== 0 && host !== "0.0.0.0" && host !== "::";
