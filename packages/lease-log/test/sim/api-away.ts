/**
 * The Kubernetes API goes away for all, and comes back late, while members stall now and then: as on a machine that has too little processor for all of
 * them. Nothing else happens: members that can talk must go on.
 */
import type { Random } from "@coracle/sim";
import { type FaultSource, GOOD_API, GOOD_NETWORK, type Group } from "./faults.ts";

/** Longest stall, three fifths of a term. One member stalls at a time; in between all have the time to talk, also when a message is lost. */
const STALL_MS = 1200;
const BETWEEN_MS = 400;
const LATE_API = { ...GOOD_API, minDelayMs: 1500, maxDelayMs: 4000 };

export class ApiAway implements FaultSource {
  readonly log: string[] = [];
  readonly hasWiped = false;
  readonly #group: Group;
  readonly #random: Random;
  #isHealed = false;

  constructor(group: Group, random: Random) {
    this.#group = group;
    this.#random = random;
  }

  start(): void {
    this.#stall();
    this.#later(5000, 6000, () => this.#leave());
  }

  heal(): void {
    this.#isHealed = true;
    this.#group.network.faults = GOOD_NETWORK;
    this.#back();
    for (const id of this.#group.ids) this.#group.node(id)?.wake();
  }

  #leave(): void {
    this.#note("API away");
    for (const id of this.#group.ids) this.#group.lease.setAway(id, true);
    this.#later(5000, 9000, () => {
      this.#back();
      this.#note("API late");
      this.#group.lease.faults = LATE_API;
    });
  }

  #back(): void {
    this.#group.lease.faults = GOOD_API;
    for (const id of this.#group.ids) this.#group.lease.setAway(id, false);
  }

  #stall(): void {
    this.#later(BETWEEN_MS, 3 * BETWEEN_MS, () => {
      const id = this.#random.pick(this.#group.ids);
      this.#note(`stall ${id}`);
      this.#group.node(id)?.sleep();
      this.#later(STALL_MS / 2, STALL_MS, () => {
        this.#group.node(id)?.wake();
        this.#stall();
      });
    });
  }

  #note(what: string): void {
    this.log.push(`${Math.round(this.#group.scheduler.now)} ${what}`);
  }

  #later(minMs: number, maxMs: number, task: () => void): void {
    this.#group.scheduler.after(this.#random.between(minMs, maxMs), () => {
      if (!this.#isHealed) task();
    });
  }
}
