/** Collections that forget their oldest entries instead of growing. */
export class BoundedSet<T> {
  readonly #limit: number;
  readonly #items = new Set<T>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#items.size;
  }

  has(item: T): boolean {
    return this.#items.has(item);
  }

  /** False when it was there. */
  add(item: T): boolean {
    if (this.#items.has(item)) return false;
    this.#items.add(item);
    if (this.#items.size > this.#limit) this.#items.delete(this.#items.values().next().value as T);
    return true;
  }

  delete(item: T): boolean {
    return this.#items.delete(item);
  }

  clear(): void {
    this.#items.clear();
  }
}

/** Setting a key anew makes it the youngest. */
export class BoundedMap<K, V> {
  readonly #limit: number;
  readonly #items = new Map<K, V>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get(key: K): V | undefined {
    return this.#items.get(key);
  }

  set(key: K, value: V): void {
    this.#items.delete(key);
    this.#items.set(key, value);
    if (this.#items.size > this.#limit) this.#items.delete(this.#items.keys().next().value as K);
  }
}
