/** UDP has no connections, yet an answer must come through where the question might: what a firewall's connection tracking is for. */
import type { Direction } from "../policy/decide.ts";
import type { PolicyGuard } from "./guard.ts";

/** Peers remembered for each socket; the one silent longest is forgotten first. */
const maxPeers = 1024;
const silenceMs = 120_000;

interface Peer {
  readonly address: string;
  readonly port: number;
}

export class Conversations {
  readonly #guard: PolicyGuard;
  /** By socket: peers (`address:port`) to the time when they were last heard or spoken to. */
  #known = new WeakMap<object, Map<string, number>>();

  constructor(guard: PolicyGuard) {
    this.#guard = guard;
    // A new policy judges afresh who may begin.
    guard.onChange(() => {
      this.#known = new WeakMap();
    });
  }

  /** `port` is the one that the datagram goes to: the peer's for egress, the socket's own for ingress. */
  permits(socket: object, direction: Direction, peer: Peer, port: number): boolean {
    const key = `${peer.address}:${peer.port}`;
    const known = this.#known.get(socket) ?? new Map<string, number>();
    const now = performance.now();
    const isAnswer = (known.get(key) ?? Number.NEGATIVE_INFINITY) > now - silenceMs;
    if (!isAnswer && !this.#guard.permits({ direction, peer: peer.address, port, protocol: "UDP" })) return false;
    known.delete(key);
    this.#known.set(socket, known.set(key, now));
    const [oldest] = known.keys();
    if (known.size > maxPeers && oldest !== undefined) known.delete(oldest);
    return true;
  }
}
