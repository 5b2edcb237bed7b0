/** The endpoints behind the routes, and the connections to them. */
import { Agent } from "node:http";
import { Balancer } from "../../proxy/balancer.ts";
import { type Address, addressKey } from "../../proxy/messages.ts";
import type { IngressBackend } from "../types.ts";

/** Connections at once to one endpoint; further requests wait for one to be free. */
const maxConnectionsEach = 256;
/** Shorter than the five seconds after which Node.js servers drop an idle connection. */
const idleMs = 4_000;

export class Upstreams {
  readonly agent = new Agent({ keepAlive: true, maxSockets: maxConnectionsEach, maxFreeSockets: 32, timeout: idleMs });
  readonly #backends = new Map<string, { backend: IngressBackend; readonly balancer: Balancer }>();
  /** Upgraded connections by backend and endpoint. */
  readonly #open = new Map<string, Set<() => void>>();

  /** Long-lived connections to endpoints that are no longer of their Service are cut, as on the Service's own address (tcp.ts). */
  update(backends: readonly IngressBackend[]): void {
    const wanted = new Set(backends.map(({ id }) => id));
    for (const id of this.#backends.keys()) if (!wanted.has(id)) this.#backends.delete(id);
    for (const backend of backends) {
      const known = this.#backends.get(backend.id);
      if (known) known.backend = backend;
      else this.#backends.set(backend.id, { backend, balancer: new Balancer() });
    }
    const kept = new Set(
      backends.flatMap(({ id, endpoints, draining }) => [...endpoints, ...draining].map((at) => key(id, at))),
    );
    for (const [endpoint, cuts] of this.#open) if (!kept.has(endpoint)) for (const cut of [...cuts]) cut();
  }

  stop(): void {
    this.agent.destroy();
    for (const cuts of this.#open.values()) for (const cut of [...cuts]) cut();
  }

  /** A ready endpoint that is none of `tried`; undefined when there is none. */
  choose(id: string, client: string, tried: ReadonlySet<string>): Address | undefined {
    const known = this.#backends.get(id);
    return known?.balancer.choose(known.backend.endpoints, client, Date.now(), known.backend.affinitySeconds, tried);
  }

  /** Has `cut` called when the endpoint goes; returns the function that forgets it. */
  hold(id: string, endpoint: Address, cut: () => void): () => void {
    const cuts = this.#open.get(key(id, endpoint)) ?? new Set();
    this.#open.set(key(id, endpoint), cuts.add(cut));
    return () => {
      cuts.delete(cut);
      if (cuts.size === 0) this.#open.delete(key(id, endpoint));
    };
  }
}

const key = (id: string, endpoint: Address): string => `${id} ${addressKey(endpoint)}`;
