/** Names outside the cluster: passed on to the host's resolvers, byte for byte, under an id and a port of our own. */
import { randomInt } from "node:crypto";
import { createSocket } from "node:dgram";
import { readFile } from "node:fs/promises";
import { connect, isIP } from "node:net";
import type { Clock } from "../../machinery/types.ts";
import { frame, split } from "./framing.ts";

export interface Upstream {
  readonly address: string;
  readonly port: number;
}

const maxInFlight = 256;
const perServerMs = 2_000;

/** The host's resolvers, without `own`: a cluster must never ask itself. Empty when there are none. */
export async function hostResolvers(own: string, file = "/etc/resolv.conf"): Promise<Upstream[]> {
  const text = await readFile(file, "utf8").catch(() => "");
  return text
    .split("\n")
    .map((line) => /^\s*nameserver\s+(\S+)/.exec(line)?.[1] ?? "")
    .filter((address) => isIP(address) !== 0 && address !== own)
    .slice(0, 3)
    .map((address) => ({ address, port: 53 }));
}

export class Forwarder {
  readonly #upstreams: readonly Upstream[];
  readonly #clock: Clock;
  readonly #stopped = new AbortController();
  #inFlight = 0;

  constructor(upstreams: readonly Upstream[], clock: Clock) {
    this.#upstreams = upstreams;
    this.#clock = clock;
  }

  get available(): boolean {
    return this.#upstreams.length > 0;
  }

  stop(): void {
    this.#stopped.abort();
  }

  /**
   * The first upstream answer, under the query's own id; undefined when none came in time or too many are waiting. `whole`: one
   * that was truncated is asked for again over TCP.
   */
  async forward(query: Buffer, whole = true): Promise<Buffer | undefined> {
    if (this.#inFlight >= maxInFlight) return undefined;
    this.#inFlight++;
    try {
      for (const upstream of this.#upstreams) {
        const answer = await this.#ask(upstream, query);
        if (answer && whole && isTruncated(answer)) return (await this.#askOverTcp(upstream, query)) ?? answer;
        if (answer) return answer;
      }
      return undefined;
    } finally {
      this.#inFlight--;
    }
  }

  /** A socket per query: a fresh source port and id is what keeps forged answers out (RFC 5452). */
  #ask({ address, port }: Upstream, query: Buffer): Promise<Buffer | undefined> {
    const id = randomInt(65_536);
    const ours = Buffer.from(query);
    ours.writeUInt16BE(id, 0);
    return new Promise((resolve) => {
      const socket = createSocket(isIP(address) === 6 ? "udp6" : "udp4");
      let done = false;
      const finish = (answer?: Buffer): void => {
        if (done) return;
        done = true;
        cancel();
        this.#stopped.signal.removeEventListener("abort", onAbort);
        socket.removeAllListeners("message").close();
        resolve(answer);
      };
      const onAbort = (): void => finish();
      const cancel = this.#clock.after(perServerMs, onAbort);
      this.#stopped.signal.addEventListener("abort", onAbort, { once: true });
      socket.on("error", onAbort);
      socket.on("message", (answer) => {
        if (answer.length < 12 || answer.readUInt16BE(0) !== id) return;
        answer.writeUInt16BE(query.readUInt16BE(0), 0);
        finish(answer);
      });
      // A connected socket takes answers from that server only, and learns at once that nobody listens there.
      socket.connect(port, address, () => socket.send(ours));
    });
  }

  #askOverTcp({ address, port }: Upstream, query: Buffer): Promise<Buffer | undefined> {
    return new Promise((resolve) => {
      const socket = connect({ host: address, port, signal: this.#stopped.signal });
      const cancel = this.#clock.after(perServerMs, () => socket.destroy());
      let received = Buffer.alloc(0);
      let answer: Buffer | undefined;
      socket.on("error", () => socket.destroy());
      socket.on("data", (chunk: Buffer) => {
        received = Buffer.concat([received, chunk]);
        [answer] = split(received).messages;
        if (answer) socket.destroy();
      });
      socket.once("close", () => {
        cancel();
        resolve(answer);
      });
      socket.end(frame(query));
    });
  }
}

const isTruncated = (message: Buffer): boolean => (message.readUInt8(2) & 2) !== 0;
