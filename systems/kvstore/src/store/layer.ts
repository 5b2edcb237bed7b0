/** Changes in memory over what lies beneath: the tree, or another layer. What has expired is still there; the keyspace on top hides it. */
import type { RangeQuery, Row } from "./keyspace.ts";
import type { Change, Overlay } from "./overlay.ts";
import { expiryIn } from "./value.ts";

/** A key and when it expires. */
export interface Expiring {
  readonly key: Buffer;
  readonly expiresAt: number;
}

/** Whether a key is there, and with which expiry. */
export type Presence = "absent" | { readonly expiresAt: number | undefined };

export interface Beneath {
  readonly size: number;
  /** Keys with an expiry. */
  readonly expiring: number;
  get(key: Uint8Array): Buffer | undefined;
  /** As `get` would find it, without keeping anything in memory for later reads. */
  peek(key: Uint8Array): Presence;
  /** Rows in key order. */
  rows(query: RangeQuery): Iterable<Row>;
  /** Keys whose expiry comes before `time`, the earliest first, ties in key order. */
  expiringBefore(time: number): Iterable<Expiring>;
}

export class Layer implements Beneath {
  overlay: Overlay;
  readonly #beneath: Beneath;

  constructor(overlay: Overlay, beneath: Beneath) {
    this.overlay = overlay;
    this.#beneath = beneath;
  }

  get size(): number {
    return this.#sum().size;
  }

  get expiring(): number {
    return this.#sum().expiring;
  }

  get(key: Uint8Array): Buffer | undefined {
    const change = this.overlay.find(key);
    if (change) return change.stored;
    return this.overlay.hidesBeneath ? undefined : this.#beneath.get(key);
  }

  peek(key: Uint8Array): Presence {
    const change = this.overlay.find(key);
    if (change) return change.stored ? { expiresAt: expiryIn(change.stored) } : "absent";
    return this.overlay.hidesBeneath ? "absent" : this.#beneath.peek(key);
  }

  /** A changed row stands in place of the one that it replaces. */
  *rows(query: RangeQuery): Generator<Row> {
    if (this.overlay.isEmpty) return yield* this.#beneath.rows(query);
    const changes = this.overlay.within(query);
    let change = changes.next().value;
    for (const row of this.overlay.hidesBeneath ? [] : this.#beneath.rows(query)) {
      for (; change && Buffer.compare(change.key, row.key) < 0; change = changes.next().value)
        if (isRow(change)) yield change;
      // A changed row is there already, or comes next from the changes.
      if (!change || Buffer.compare(change.key, row.key) !== 0) yield row;
    }
    for (; change; change = changes.next().value) if (isRow(change)) yield change;
  }

  *expiringBefore(time: number): Generator<Expiring> {
    const changed = this.overlay.expiringBefore(time);
    let next = changed.next().value;
    for (const row of this.overlay.hidesBeneath ? [] : this.#beneath.expiringBefore(time)) {
      if (this.overlay.find(row.key)) continue;
      for (; next && isBefore(next, row); next = changed.next().value) yield next;
      yield row;
    }
    for (; next; next = changed.next().value) yield next;
  }

  #sum(): { readonly size: number; readonly expiring: number } {
    const { size, expiring } = this.overlay.balance((key) => this.#beneath.peek(key));
    if (this.overlay.hidesBeneath) return { size, expiring };
    return { size: size + this.#beneath.size, expiring: expiring + this.#beneath.expiring };
  }
}

const isRow = (change: Change): change is Change & Row => change.stored !== undefined;

const isBefore = (a: Expiring, b: Expiring): boolean =>
  a.expiresAt < b.expiresAt || (a.expiresAt === b.expiresAt && Buffer.compare(a.key, b.key) < 0);
