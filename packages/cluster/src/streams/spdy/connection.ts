/**
 * One SPDY/3.1 connection over any byte stream, either side of it.
 *
 * Flow control. The specification has windows for each stream; moby/spdystream, which is on the other end of every kubectl, sends
 * no WINDOW_UPDATE and would starve a sender that insists on it. So windows are honoured from the first sign that the peer
 * keeps them (a WINDOW_UPDATE or an initial window in SETTINGS); until then the transport's own back-pressure is what slows
 * a sender. In the other direction, a stream that is not read stops the whole connection once its buffer is full: that can
 * hold up its neighbours, as it does in Kubernetes, and bounds memory whatever the peer does.
 */
import { EventEmitter } from "node:events";
import type { Duplex } from "node:stream";
import { StreamError } from "../errors.ts";
import { encodeFrame, type Frame, rstStatus } from "./frames.ts";
import { HeaderCodec, type Headers } from "./headers.ts";
import { FrameParser } from "./parser.ts";
import { defaultWindowBytes, SpdyStream, type StreamTransport } from "./stream.ts";

/** Streams open at once; further ones are refused. */
const maxStreams = 1000;
const lingerMs = 10_000;
const goAwayProtocolError = 1;
/** Unsent control frames are counted here: a peer that asks (PING) without reading is cut off. */
const maxUnsentBytes = 16 << 20;

interface Events {
  /** The peer opened a stream; it has been accepted. */
  stream: [SpdyStream];
  /** Nothing more will happen; all streams are destroyed. */
  close: [];
}

export class SpdyConnection extends EventEmitter<Events> {
  readonly #transport: Duplex;
  readonly #parser = new FrameParser();
  readonly #codec = new HeaderCodec();
  readonly #streams = new Map<number, SpdyStream>();
  readonly #isServer: boolean;
  #nextId: number;
  #lastPeerId = 0;
  #peerWindowBytes: number | undefined;
  /** Header blocks leave in the order in which they were compressed. */
  #sending: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(transport: Duplex, role: "server" | "client") {
    super();
    this.#transport = transport;
    this.#isServer = role === "server";
    this.#nextId = this.#isServer ? 2 : 1;
    transport.on("error", () => this.close());
    transport.once("close", () => this.close());
    // Whoever made the connection may listen for streams first.
    setImmediate(() => void this.#run());
  }

  /** Opens a stream to the peer. */
  open(headers: Headers): SpdyStream {
    const id = this.#nextId;
    this.#nextId += 2;
    const stream = this.#track(id, headers);
    this.#sendHeaders(async () => ({
      type: "synStream",
      streamId: id,
      fin: false,
      headers: await this.#codec.encode(headers),
    }));
    return stream;
  }

  /**
   * Sends what has been written and leaves it to the peer to close, for `lingerMs`: kubectl's side throws away what it has received
   * and not yet read when the transport ends first.
   */
  async end(): Promise<void> {
    await this.#sending;
    if (this.#isClosed) return;
    const timer = setTimeout(() => {
      this.#send({ type: "goAway", lastStreamId: this.#lastPeerId, status: 0 });
      this.#transport.end();
    }, lingerMs).unref();
    await new Promise<void>((resolve) => void this.once("close", resolve));
    clearTimeout(timer);
  }

  /** Drops everything at once. Idempotent. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const stream of [...this.#streams.values()]) stream.receiveReset("the connection ended");
    this.#codec.close();
    this.#transport.destroy();
    this.emit("close");
  }

  async #run(): Promise<void> {
    try {
      for await (const chunk of this.#transport as AsyncIterable<Buffer>) if (!(await this.#receiveAll(chunk))) break;
    } catch {
      // The transport failed, and said so by its "error" event.
    }
    this.close();
  }

  /** False when the peer broke the protocol; it has been told. */
  async #receiveAll(chunk: Buffer): Promise<boolean> {
    try {
      for (const frame of this.#parser.push(chunk)) await this.#receive(frame);
      return true;
    } catch (error) {
      if (!(error instanceof StreamError)) throw error;
      this.#send({ type: "goAway", lastStreamId: this.#lastPeerId, status: goAwayProtocolError });
      return false;
    }
  }

  async #receive(frame: Frame): Promise<void> {
    switch (frame.type) {
      case "synStream":
        return this.#accept(frame.streamId, await this.#codec.decode(frame.headers), frame.fin);
      case "synReply":
      case "headers":
        // Their headers say nothing here, but the compression state must follow them.
        await this.#codec.decode(frame.headers);
        if (frame.fin) this.#streams.get(frame.streamId)?.receiveEnd();
        return;
      case "data":
        return this.#receiveData(frame.streamId, frame.data, frame.fin);
      case "rstStream":
        return this.#streams.get(frame.streamId)?.receiveReset(`the peer reset the stream (status ${frame.status})`);
      case "windowUpdate":
        this.#peerWindowBytes ??= defaultWindowBytes;
        return this.#streams.get(frame.streamId)?.receiveWindow(frame.deltaBytes);
      case "settings":
        this.#peerWindowBytes = frame.initialWindowBytes ?? this.#peerWindowBytes;
        return;
      case "ping":
        // Odd ids are the client's, even ones the server's: an answer to our own is not answered.
        if ((frame.id % 2 === 1) === this.#isServer) this.#send(frame);
        return;
      case "goAway":
      case "unknown":
        return;
    }
  }

  #accept(id: number, headers: Headers, fin: boolean): void {
    const isPeers = (id % 2 === 1) === this.#isServer;
    if (!isPeers || id <= this.#lastPeerId) throw new StreamError("Protocol", `SPDY stream id ${id} is out of order`);
    this.#lastPeerId = id;
    if (this.#streams.size >= maxStreams) {
      this.#send({ type: "rstStream", streamId: id, status: rstStatus.refusedStream });
      return;
    }
    const stream = this.#track(id, headers);
    this.#sendHeaders(async () => ({
      type: "synReply",
      streamId: id,
      fin: false,
      headers: await this.#codec.encode({}),
    }));
    this.emit("stream", stream);
    if (fin) stream.receiveEnd();
  }

  async #receiveData(id: number, data: Buffer, fin: boolean): Promise<void> {
    const stream = this.#streams.get(id);
    if (stream) await stream.receive(data, fin);
    else if (id > this.#lastPeerId) this.#send({ type: "rstStream", streamId: id, status: rstStatus.invalidStream });
  }

  #track(id: number, headers: Headers): SpdyStream {
    const stream = new SpdyStream(id, headers, this.#streamTransport);
    // A reset is the stream's user's to see; one that does not look must not bring the process down.
    stream.on("error", () => {});
    this.#streams.set(id, stream);
    return stream;
  }

  readonly #streamTransport: StreamTransport = {
    sendData: (streamId, data, fin, sent) => {
      // Behind the SYN_STREAM of the same stream.
      this.#sending = this.#sending.then(() => this.#sendThen({ type: "data", streamId, data, fin }, sent));
    },
    sendReset: (streamId) => {
      this.#sending = this.#sending.then(() => {
        this.#send({ type: "rstStream", streamId, status: rstStatus.cancel });
      });
    },
    sendWindowUpdate: (streamId, deltaBytes) => this.#send({ type: "windowUpdate", streamId, deltaBytes }),
    windowBytes: () => this.#peerWindowBytes,
    closed: (streamId) => void this.#streams.delete(streamId),
  };

  #sendHeaders(make: () => Promise<Parameters<typeof encodeFrame>[0]>): void {
    this.#sending = this.#sending.then(async () => {
      if (!this.#isClosed) this.#send(await make());
    });
    this.#sending = this.#sending.catch(() => this.close());
  }

  #send(frame: Parameters<typeof encodeFrame>[0]): boolean {
    if (!this.#transport.writable) return true;
    const hasRoom = this.#transport.write(encodeFrame(frame));
    if (this.#transport.writableLength > maxUnsentBytes) this.close();
    return hasRoom;
  }

  #sendThen(frame: Parameters<typeof encodeFrame>[0], sent: () => void): void {
    if (this.#send(frame) || this.#isClosed) sent();
    else this.#transport.once("drain", sent);
  }
}
