/**
 * What the leader knows of one other member, and how much it may send it.
 *
 * Invariants: (1) `match < next`; the member holds everything up to `match`, durably; (2) `match` never goes down within a term; (3) no more than the
 * bounds are in flight.
 */
export type ProgressState =
  /** Where the logs meet is not known: one append at a time. */
  | "probe"
  /** They meet: appends follow each other without waiting. */
  | "replicate"
  /** It lacks entries that are forgotten here: it gets a snapshot, and no appends. */
  | "snapshot";

interface Flight {
  readonly last: number;
  readonly bytes: number;
}

export class Progress {
  match = 0;
  next: number;
  state: ProgressState = "probe";
  /** In `probe`: an append is on its way. */
  isWaiting = false;
  /** Tick at which it was last heard; -Infinity when never. */
  heardAt = -Infinity;
  /** Its connection ended and nothing was heard since. */
  isDown = false;
  /** The last round of heartbeats that it answered. */
  round = 0;
  #flights: Flight[] = [];
  #flightBytes = 0;

  constructor(next: number) {
    this.next = next;
  }

  get flights(): number {
    return this.#flights.length;
  }

  canSend(maxInflight: number, maxInflightBytes: number): boolean {
    if (this.state === "probe") return !this.isWaiting;
    if (this.state === "snapshot") return false;
    return this.#flights.length < maxInflight && this.#flightBytes < maxInflightBytes;
  }

  sent(last: number, bytes: number): void {
    if (this.state === "probe") this.isWaiting = true;
    else {
      this.next = last + 1;
      this.#flights.push({ last, bytes });
      this.#flightBytes += bytes;
    }
  }

  /** It holds everything up to `match`. False when that is no news. */
  acknowledged(match: number): boolean {
    this.isWaiting = false;
    while (this.#flights.length > 0 && (this.#flights[0] as Flight).last <= match)
      this.#flightBytes -= (this.#flights.shift() as Flight).bytes;
    this.next = Math.max(this.next, match + 1);
    if (this.state === "probe") this.state = "replicate";
    if (match <= this.match) return false;
    this.match = match;
    return true;
  }

  /** Where an append is tried next after one at `prevIndex` did not match. False when that is old news. */
  rejected(prevIndex: number, next: number): boolean {
    if (this.state === "snapshot") return false;
    if (this.state === "replicate" ? prevIndex <= this.match : prevIndex !== this.next - 1) return false;
    this.probe();
    this.next = Math.max(this.match + 1, Math.min(next, prevIndex));
    return true;
  }

  /** Nothing that is in flight counts any more. */
  probe(next = this.match + 1): void {
    this.state = "probe";
    this.isWaiting = false;
    this.next = next;
    this.#flights = [];
    this.#flightBytes = 0;
  }

  beginSnapshot(): void {
    this.probe();
    this.state = "snapshot";
  }
}
