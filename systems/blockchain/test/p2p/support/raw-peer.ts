/** A peer that says what a test tells it to. */
import { regtest } from "../../../src/consensus/params.ts";
import type { Transport } from "../../../src/p2p/net/transport.ts";
import { decodeMessage, encodeMessage, messageDecoder } from "../../../src/p2p/wire/messages.ts";
import type { Command, Message, MessageOf, VersionBody } from "../../../src/p2p/wire/types.ts";
import type { MemoryNet } from "./memory-net.ts";
import { PORT, until } from "./node.ts";

const address = { host: "0.0.0.0", port: 0, services: 9n };

export class RawPeer {
  readonly received: Message[] = [];
  isClosed = false;
  readonly #transport: Transport;

  private constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** One that never reads. */
  static mute(transport: Transport): RawPeer {
    return new RawPeer(transport);
  }

  static async dial(net: MemoryNet, from: string, to: string): Promise<RawPeer> {
    const peer = new RawPeer(await net.wiring(from).dial(to, PORT, new AbortController().signal));
    void peer.#read();
    return peer;
  }

  /** Dials and shakes hands. */
  static async greet(net: MemoryNet, from: string, to: string, more: Partial<VersionBody> = {}): Promise<RawPeer> {
    const peer = await RawPeer.dial(net, from, to);
    peer.sendVersion({ nonce: BigInt(from.length) + 77n, ...more });
    await peer.expect("verack");
    peer.send({ command: "verack" });
    await peer.expect("ping");
    return peer;
  }

  sendVersion(more: Partial<VersionBody> = {}): void {
    this.send({
      command: "version",
      version: 70016,
      services: 9n,
      time: 0,
      receiver: address,
      sender: address,
      nonce: 77n,
      userAgent: "/raw/",
      height: 0,
      relay: true,
      ...more,
    });
  }

  send(message: Message): void {
    this.#transport.write(encodeMessage(regtest.magic, message));
  }

  sendBytes(bytes: Buffer): void {
    this.#transport.write(bytes);
  }

  /** The first message of that command, as soon as it is there. */
  async expect<C extends Command>(command: C): Promise<MessageOf<C>> {
    await until(() => this.received.some((message) => message.command === command), `a ${command}`);
    return this.received.find((message) => message.command === command) as MessageOf<C>;
  }

  close(): void {
    this.#transport.close();
  }

  async #read(): Promise<void> {
    const decoder = messageDecoder(regtest.magic);
    for await (const chunk of this.#transport.chunks)
      for (const frame of decoder.push(chunk)) {
        const message = decodeMessage(frame);
        if (message) this.received.push(message);
      }
    this.isClosed = true;
  }
}
