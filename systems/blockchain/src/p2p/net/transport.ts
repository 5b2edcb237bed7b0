/** What the peer protocol needs of a connection. Over TCP in a node; in memory between the nodes of a test. */
export interface Transport {
  readonly host: string;
  readonly port: number;
  readonly isInbound: boolean;
  /** Bytes in order, until either side closes. Read slowly and the sender slows down. May reject when the connection breaks. */
  readonly chunks: AsyncIterable<Buffer>;
  /** Bytes handed to `write` that are not on their way yet. */
  readonly queuedBytes: number;
  /** Nothing is sent after `close`. */
  write(bytes: Buffer): void;
  /** Resolves when `queuedBytes` is small again, or the connection is closed. */
  drained(): Promise<void>;
  close(): void;
}

export interface Listener {
  readonly host: string;
  readonly port: number;
  close(): Promise<void>;
}

export interface Wiring {
  listen(host: string, port: number, accept: (transport: Transport) => void): Promise<Listener>;
  /** Rejects with P2pError `connection`. A name is resolved anew each time: pods change their addresses. */
  dial(host: string, port: number, signal: AbortSignal): Promise<Transport>;
  /** The numeric address behind a name. */
  resolve(host: string): Promise<string>;
}
