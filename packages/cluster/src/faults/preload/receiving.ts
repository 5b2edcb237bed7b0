/**
 * A slow network: what a socket receives is passed on later, in order, without holding back what follows. The seam is
 * `push`, by which a socket's bytes become readable, after decryption. HTTP servers read below it and are not delayed; their clients are.
 */
import net from "node:net";
import { type DelayFault, delayFrom } from "../pod-faults.ts";

/** As much as this is on its way to a socket before its sender is held back. */
const maxInFlightBytes = 4 * 1024 * 1024;

type Push = (this: net.Socket, chunk: Buffer | null, encoding?: BufferEncoding) => boolean;

interface Parcel {
  readonly chunk: Buffer | null;
  readonly encoding: BufferEncoding | undefined;
  readonly dueMs: number;
}

/** What a socket has been sent and not yet received, in order. */
class Flight {
  bytes = 0;
  readonly #parcels: Parcel[] = [];
  readonly #deliver: (parcel: Parcel) => void;

  constructor(deliver: (parcel: Parcel) => void) {
    this.#deliver = deliver;
  }

  get isEmpty(): boolean {
    return this.#parcels.length === 0;
  }

  add(chunk: Buffer | null, encoding: BufferEncoding | undefined, delayMs: number): void {
    this.bytes += chunk?.length ?? 0;
    const isFirst = this.isEmpty;
    this.#parcels.push({ chunk, encoding, dueMs: performance.now() + delayMs });
    if (isFirst) this.#wait(delayMs);
  }

  /** One timer at a time, so that nothing overtakes when the delay changes. */
  #wait(ms: number): void {
    setTimeout(() => {
      const parcel = this.#parcels.shift();
      if (parcel === undefined) return;
      this.bytes -= parcel.chunk?.length ?? 0;
      this.#deliver(parcel);
      const [next] = this.#parcels;
      if (next !== undefined) this.#wait(Math.max(0, next.dueMs - performance.now()));
    }, ms);
  }
}

export function wrapReceiving(faults: () => readonly DelayFault[] | undefined): void {
  const flights = new WeakMap<net.Socket, Flight>();
  const push: Push = net.Socket.prototype.push;
  const late: Push = function (chunk, encoding) {
    const delayMs = delayFrom(faults(), this.remoteAddress);
    const flight = flights.get(this);
    if (delayMs === 0 && (flight === undefined || flight.isEmpty)) return push.call(this, chunk, encoding);
    const own =
      flight ?? new Flight((parcel) => void (this.destroyed || push.call(this, parcel.chunk, parcel.encoding)));
    flights.set(this, own);
    own.add(chunk, encoding, delayMs);
    return own.bytes < maxInFlightBytes;
  };
  Object.assign(net.Socket.prototype, { push: late });
}
