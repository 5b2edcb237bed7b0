import { type Address, addressKey } from "./messages.ts";

/** Clients remembered for session affinity, per port; the one idle longest is forgotten first. */
const maxClients = 10_000;

/** Chooses endpoints in turn, or by client where the Service asks for affinity. Pure but for what it remembers. */
export class Balancer {
  readonly #clients = new Map<string, { readonly endpoint: string; readonly until: number }>();
  #turn = 0;

  /** The endpoint for a new connection, none of `tried`; undefined when there is none left. `now` in milliseconds. */
  choose(
    endpoints: readonly Address[],
    client: string,
    now: number,
    affinitySeconds?: number,
    tried: ReadonlySet<string> = new Set(),
  ): Address | undefined {
    const free = endpoints.filter((endpoint) => !tried.has(addressKey(endpoint)));
    const chosen = (affinitySeconds !== undefined && this.#remembered(free, client, now)) || this.#next(free);
    if (chosen && affinitySeconds !== undefined) this.#remember(client, chosen, now + affinitySeconds * 1000);
    return chosen;
  }

  #next(free: readonly Address[]): Address | undefined {
    return free.length === 0 ? undefined : free[this.#turn++ % free.length];
  }

  #remembered(free: readonly Address[], client: string, now: number): Address | undefined {
    const known = this.#clients.get(client);
    return known && known.until > now ? free.find((endpoint) => addressKey(endpoint) === known.endpoint) : undefined;
  }

  #remember(client: string, endpoint: Address, until: number): void {
    this.#clients.delete(client);
    this.#clients.set(client, { endpoint: addressKey(endpoint), until });
    const [oldest] = this.#clients.keys();
    if (this.#clients.size > maxClients && oldest !== undefined) this.#clients.delete(oldest);
  }
}
