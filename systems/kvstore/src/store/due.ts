/**
 * Which of the changed keys expire first: a heap by expiry, then key. A change of a key leaves its older place in the heap behind; such places are
 * passed over when they are met, and all of them dropped when they are more than half.
 */
export interface Place {
  /** The key as text; sorts as the key's bytes do. */
  readonly id: string;
  readonly expiresAt: number;
}

/** So few are never tidied up. */
const TIDY_COUNT = 64;

export class Due {
  readonly #isCurrent: (id: string, expiresAt: number) => boolean;
  #heap: Place[] = [];

  /** `isCurrent` tells whether the key still has that expiry. */
  constructor(isCurrent: (id: string, expiresAt: number) => boolean) {
    this.#isCurrent = isCurrent;
  }

  /** Places in the heap, those left behind included. */
  get places(): number {
    return this.#heap.length;
  }

  /** `currentCount`: how many keys have an expiry now. */
  add(place: Place, currentCount: number): void {
    if (this.#heap.length > TIDY_COUNT && this.#heap.length > 2 * currentCount) this.#tidy();
    const heap = this.#heap;
    let at = heap.length;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = heap[above] as Place;
      if (compare(parent, place) <= 0) break;
      heap[at] = parent;
      at = above;
    }
    heap[at] = place;
  }

  /** Keys whose expiry comes before `time`, the earliest first, ties in the order of their keys' bytes. Costs as much as is taken of it. */
  *before(time: number): Generator<Place> {
    const heap = this.#heap;
    // Nothing comes before its parent in the heap, so what comes next is always one of these, kept with the next one last.
    const open = heap.length > 0 ? [0] : [];
    let last: Place | undefined;
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      const place = heap[at] as Place;
      if (place.expiresAt >= time) return;
      if (!(last && compare(last, place) === 0) && this.#isCurrent(place.id, place.expiresAt)) yield place;
      last = place;
      for (const child of [2 * at + 1, 2 * at + 2]) if (child < heap.length) insert(open, child, heap);
    }
  }

  #tidy(): void {
    // In order, it is a heap.
    this.#heap = this.#heap.filter(({ id, expiresAt }) => this.#isCurrent(id, expiresAt)).sort(compare);
  }
}

function compare(a: Place, b: Place): number {
  if (a.expiresAt !== b.expiresAt) return a.expiresAt - b.expiresAt;
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

/** Keeps `open` in descending order of the places that it points at. */
function insert(open: number[], child: number, heap: readonly Place[]): void {
  const place = heap[child] as Place;
  let low = 0;
  let high = open.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compare(heap[open[middle] as number] as Place, place) >= 0) low = middle + 1;
    else high = middle;
  }
  open.splice(low, 0, child);
}
