/**
 * A binary heap that knows where its items are, so that one whose rank changed can be moved, and that can be walked in order of rank without
 * being taken apart. Each change costs log n, each step of the walk log of the steps so far.
 */
export class IndexedHeap<T> {
  readonly #items: T[] = [];
  readonly #places = new Map<T, number>();
  readonly #isBefore: (a: T, b: T) => boolean;

  constructor(isBefore: (a: T, b: T) => boolean) {
    this.#isBefore = isBefore;
  }

  get size(): number {
    return this.#items.length;
  }

  get first(): T | undefined {
    return this.#items[0];
  }

  add(item: T): void {
    this.#items.push(item);
    this.#rise(this.#items.length - 1, item);
  }

  remove(item: T): void {
    const place = this.#places.get(item);
    if (place === undefined) return;
    this.#places.delete(item);
    const last = this.#items.pop() as T;
    if (last !== item) this.#settle(place, last);
  }

  /** The item's rank may have changed. */
  update(item: T): void {
    const place = this.#places.get(item);
    if (place !== undefined) this.#settle(place, item);
  }

  /** In order of rank. Not to be changed meanwhile. */
  *inOrder(): Generator<T> {
    const items = this.#items;
    const next = new IndexedHeap<number>((a, b) => this.#isBefore(items[a] as T, items[b] as T));
    if (items.length > 0) next.add(0);
    for (let place = next.first; place !== undefined; place = next.first) {
      next.remove(place);
      yield items[place] as T;
      for (const child of [2 * place + 1, 2 * place + 2]) if (child < items.length) next.add(child);
    }
  }

  #settle(place: number, item: T): void {
    if (this.#rise(place, item) === place) this.#sink(place, item);
  }

  #rise(from: number, item: T): number {
    let place = from;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = this.#items[above] as T;
      if (!this.#isBefore(item, parent)) break;
      this.#put(place, parent);
      place = above;
    }
    this.#put(place, item);
    return place;
  }

  #sink(from: number, item: T): void {
    let place = from;
    for (;;) {
      const left = 2 * place + 1;
      if (left >= this.#items.length) break;
      const right = left + 1;
      const isRight = right < this.#items.length && this.#isBefore(this.#items[right] as T, this.#items[left] as T);
      const below = isRight ? right : left;
      const child = this.#items[below] as T;
      if (!this.#isBefore(child, item)) break;
      this.#put(place, child);
      place = below;
    }
    this.#put(place, item);
  }

  #put(place: number, item: T): void {
    this.#items[place] = item;
    this.#places.set(item, place);
  }
}
