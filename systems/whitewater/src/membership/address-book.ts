/**
 * Where pods are. Discovery comes first, being the freshest; then what pods said of themselves, for lists that are old: the first pod of a set
 * that reads a file sees nobody in it, but is asked by the later ones.
 */
import type { Peer } from "@coracle/pod";
import type { Seat } from "./types.ts";

type Whereabouts = Omit<Seat, "id">;

/** Told by peers, so bounded; the ones heard longest ago go first. */
const MAX_HEARD = 256;

export class AddressBook {
  readonly #self: Whereabouts;
  readonly #peers: () => readonly Peer[];
  readonly #heard = new Map<string, string>();

  constructor(self: Whereabouts, peers: () => readonly Peer[]) {
    this.#self = { name: self.name, address: self.address };
    this.#peers = peers;
  }

  /** A pod said that it is there. */
  hear({ name, address }: Whereabouts): void {
    if (name === this.#self.name) return;
    this.#heard.delete(name);
    this.#heard.set(name, address);
    const [oldest] = this.#heard.keys();
    if (this.#heard.size > MAX_HEARD && oldest !== undefined) this.#heard.delete(oldest);
  }

  /** A pod said that another one is there; what the other one said itself counts more. */
  hearsay(whereabouts: Whereabouts): void {
    if (!this.#heard.has(whereabouts.name)) this.hear(whereabouts);
  }

  /** Where to try to reach the pod, best first. */
  addressesOf(name: string): readonly string[] {
    const shown = this.#peers()
      .filter(({ id }) => id === name)
      .map(addressOf);
    return [...new Set([...shown, this.#heard.get(name) ?? ""])].filter(Boolean);
  }

  /** Every address that somebody may answer at, the own one left out. */
  contacts(): readonly string[] {
    const shown = this.#peers().filter(({ id, terminating }) => id !== this.#self.name && terminating !== true);
    const all = new Set([...shown.map(addressOf), ...this.#heard.values()]);
    all.delete(this.#self.address);
    return [...all];
  }

  /** What is told to others. */
  known(): readonly Whereabouts[] {
    return [this.#self, ...[...this.#heard].map(([name, address]) => ({ name, address }))];
  }
}

export const addressOf = ({ host, port }: Pick<Peer, "host" | "port">): string =>
  host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
