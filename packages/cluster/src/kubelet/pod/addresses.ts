import type { AddressRange } from "../../network/types.ts";
import { ContainerError } from "../errors.ts";

/** Hands out pod addresses, each to one pod; goes round the range, so that an address is not used again soon after. */
export class PodAddresses {
  readonly #range: AddressRange;
  readonly #taken = new Set<string>();
  #next = 0;

  constructor(range: AddressRange) {
    this.#range = range;
  }

  /** `wanted` is given if it is free. Throws when every address is taken. */
  take(wanted?: string): string {
    if (wanted !== undefined && this.#range.contains(wanted) && !this.#taken.has(wanted)) return this.#mark(wanted);
    for (let tries = 0; tries < this.#range.size; tries++) {
      const address = this.#range.at(this.#next);
      this.#next = (this.#next + 1) % this.#range.size;
      if (!this.#taken.has(address)) return this.#mark(address);
    }
    throw new ContainerError(
      "CreateContainerError",
      `no pod address is free: all ${this.#range.size} are in use, delete some pods`,
    );
  }

  /** Keeps an address for the pod that had it before; one that is no pod address needs no keeping. */
  reserve(address: string): void {
    if (this.#range.contains(address)) this.#taken.add(address);
  }

  release(address: string): void {
    this.#taken.delete(address);
  }

  #mark(address: string): string {
    this.#taken.add(address);
    return address;
  }
}
