/** Whom to keep connections to: the members, and for a moment those that just left, so that they hear of it. */
import type { WireEndpoint, WirePeer } from "@coracle/wire";
import type { Member } from "../types.ts";

const FAREWELL_MS = 1000;

export class Peers {
  readonly #ownId: string;
  readonly #endpoint: Pick<WireEndpoint, "setPeers">;
  #current: readonly WirePeer[] = [];
  #farewell: NodeJS.Timeout | undefined;

  constructor(ownId: string, endpoint: Pick<WireEndpoint, "setPeers">) {
    this.#ownId = ownId;
    this.#endpoint = endpoint;
  }

  set(members: readonly Member[]): void {
    const wanted = members.filter((member) => member.id !== this.#ownId).map(peerOf);
    const leaving = this.#current.filter((peer) => !wanted.some(({ id }) => id === peer.id));
    this.#current = wanted;
    clearTimeout(this.#farewell);
    this.#endpoint.setPeers([...wanted, ...leaving]);
    if (leaving.length === 0) return;
    this.#farewell = setTimeout(() => this.#endpoint.setPeers(this.#current), FAREWELL_MS);
    this.#farewell.unref();
  }

  stop(): void {
    clearTimeout(this.#farewell);
  }
}

/** `host:port`, where an IPv6 host stands in brackets. */
function peerOf({ id, address }: Member): WirePeer {
  const colon = address.lastIndexOf(":");
  const host = address.slice(0, colon).replace(/^\[(.*)\]$/, "$1");
  return { id, host, port: Number(address.slice(colon + 1)) };
}
