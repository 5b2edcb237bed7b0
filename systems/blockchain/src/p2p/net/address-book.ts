/**
 * Where peers may be found, and which to dial next. Pure: the time comes in.
 *
 * Named addresses (discovery, settings, `addnode`) are tried for ever, with a delay that grows to half a minute; gossiped ones are forgotten
 * after some failures, so that a peer can't fill the book with rubbish for long.
 */
export type AddressSource = "named" | "manual" | "gossip";

export interface BookEntry {
  readonly host: string;
  readonly port: number;
  readonly source: AddressSource;
  readonly failures: number;
  readonly nextDialMs: number;
  /** When a handshake with it last succeeded. */
  readonly lastSeenMs: number | undefined;
}

const MOST_GOSSIPED = 1000;
const MOST_FAILURES = 8;
const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 30_000;

export const addressKey = (host: string, port: number): string => `${host}:${port}`;

export class AddressBook {
  readonly #entries = new Map<string, BookEntry>();

  get size(): number {
    return this.#entries.size;
  }

  entries(): readonly BookEntry[] {
    return [...this.#entries.values()];
  }

  has(host: string, port: number): boolean {
    return this.#entries.has(addressKey(host, port));
  }

  isNamed(host: string, port: number): boolean {
    const source = this.#entries.get(addressKey(host, port))?.source;
    return source === "named" || source === "manual";
  }

  add(host: string, port: number, source: AddressSource): void {
    const key = addressKey(host, port);
    const known = this.#entries.get(key);
    if (known !== undefined) {
      if (known.source === "gossip" && source !== "gossip") this.#entries.set(key, { ...known, source });
      return;
    }
    if (source === "gossip" && this.#gossiped() >= MOST_GOSSIPED) return;
    this.#entries.set(key, { host, port, source, failures: 0, nextDialMs: 0, lastSeenMs: undefined });
  }

  remove(host: string, port: number): boolean {
    return this.#entries.delete(addressKey(host, port));
  }

  /** The complete set that discovery names now: what it names no more goes, what it names still keeps its record. */
  setNamed(addresses: readonly { readonly host: string; readonly port: number }[]): void {
    const named = new Set(addresses.map(({ host, port }) => addressKey(host, port)));
    for (const [key, { source }] of this.#entries) if (source === "named" && !named.has(key)) this.#entries.delete(key);
    for (const { host, port } of addresses) this.add(host, port, "named");
  }

  succeeded(host: string, port: number, nowMs: number): void {
    this.#change(host, port, (entry) => ({ ...entry, failures: 0, nextDialMs: nowMs, lastSeenMs: nowMs }));
  }

  /** Neither good nor bad news: just not now. */
  postpone(host: string, port: number, untilMs: number): void {
    this.#change(host, port, (entry) => ({ ...entry, nextDialMs: untilMs }));
  }

  failed(host: string, port: number, nowMs: number): void {
    this.#change(host, port, (entry) => {
      const failures = entry.failures + 1;
      if (entry.source === "gossip" && failures >= MOST_FAILURES) return undefined;
      const delayMs = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(failures, 10));
      return { ...entry, failures, nextDialMs: nowMs + delayMs };
    });
  }

  /** At most `count` due addresses that are not `taken`, named ones first, those with fewer failures before others. */
  due(nowMs: number, count: number, isTaken: (key: string) => boolean): readonly BookEntry[] {
    return [...this.#entries]
      .filter(([key, { nextDialMs }]) => nextDialMs <= nowMs && !isTaken(key))
      .map(([, entry]) => entry)
      .sort((a, b) => rank(a) - rank(b) || a.failures - b.failures)
      .slice(0, Math.max(0, count));
  }

  #gossiped(): number {
    let count = 0;
    for (const { source } of this.#entries.values()) if (source === "gossip") count++;
    return count;
  }

  #change(host: string, port: number, change: (entry: BookEntry) => BookEntry | undefined): void {
    const key = addressKey(host, port);
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    const next = change(entry);
    if (next === undefined) this.#entries.delete(key);
    else this.#entries.set(key, next);
  }
}

const rank = ({ source }: BookEntry): number => (source === "gossip" ? 1 : 0);
