/** The connections of this node: made, read, ended. What their messages mean is no matter here. */
import type { Logger } from "@coracle/pod";
import { messageOf } from "../errors.ts";
import type { NetClock } from "./clock.ts";
import type { Target } from "./net/dialer.ts";
import type { Transport } from "./net/transport.ts";
import { Peer } from "./peer.ts";
import { decodeMessage, messageDecoder } from "./wire/messages.ts";
import type { Message } from "./wire/types.ts";

export interface ConnectionsOptions {
  readonly magic: Buffer;
  readonly clock: NetClock;
  readonly logger: Logger;
  readonly maxQueueBytes: number;
  /** The peer's next message is read when this resolves. */
  onMessage(peer: Peer, message: Message): Promise<void>;
  /** What reading or handling failed with; the connection ends afterwards. */
  onError(peer: Peer, error: unknown): void;
  /** It is no longer among `peers`. */
  onGone(peer: Peer): void;
}

export class Connections {
  readonly peers = new Map<number, Peer>();
  readonly #options: ConnectionsOptions;
  readonly #running = new Set<Promise<void>>();
  #nextId = 1;
  #bytesSent = 0;
  #bytesReceived = 0;

  constructor(options: ConnectionsOptions) {
    this.#options = options;
  }

  get bytesSent(): number {
    return this.#bytesSent;
  }

  get bytesReceived(): number {
    return this.#bytesReceived;
  }

  open(transport: Transport, target: Target | undefined, isManual: boolean): Peer {
    const { magic, clock, maxQueueBytes } = this.#options;
    const onSent = (bytes: number): void => {
      this.#bytesSent += bytes;
    };
    const peer = new Peer({ id: this.#nextId++, transport, target, isManual, magic, clock, onSent, maxQueueBytes });
    this.peers.set(peer.id, peer);
    const run = this.#serve(peer).finally(() => this.#running.delete(run));
    this.#running.add(run);
    return peer;
  }

  disconnect(peer: Peer, reason: string): void {
    if (peer.isClosed) return;
    peer.isClosed = true;
    const { logger } = this.#options;
    if (peer.hasVerack) logger.info("peer disconnected", { peer: peer.address, reason });
    else logger.debug("peer not taken", { peer: peer.address, reason });
    peer.transport.close();
  }

  /** Resolves once nothing of any connection runs any more. */
  async close(reason: string): Promise<void> {
    for (const peer of this.peers.values()) this.disconnect(peer, reason);
    await Promise.all(this.#running);
  }

  /** Never rejects. */
  async #serve(peer: Peer): Promise<void> {
    try {
      await this.#read(peer);
    } catch (error) {
      if (!peer.isClosed) this.#options.onError(peer, error);
      this.disconnect(peer, messageOf(error));
    }
    this.disconnect(peer, "it hung up");
    this.peers.delete(peer.id);
    this.#options.onGone(peer);
  }

  async #read(peer: Peer): Promise<void> {
    const decoder = messageDecoder(this.#options.magic);
    for await (const chunk of peer.transport.chunks) {
      this.#bytesReceived += chunk.length;
      peer.bytesReceived += chunk.length;
      peer.lastReceivedAt = this.#options.clock.wall();
      for (const frame of decoder.push(chunk)) {
        const message = decodeMessage(frame);
        if (message !== undefined) await this.#options.onMessage(peer, message);
        if (peer.isClosed) return;
      }
    }
  }
}
