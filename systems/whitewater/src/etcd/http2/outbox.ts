/** What waits to be written to a client: everything of one turn of the event loop goes out as one write. */
import type { Duplex } from "node:stream";
import { sendAtEndOfTurn } from "@coracle/wire";

export class Outbox {
  private readonly socket: Duplex;
  private readonly maxBytes: number;
  private parts: Buffer[] = [];
  private bytes = 0;
  private isClosed = false;

  /** More than `maxBytes` unsent cuts the connection: only a client that asks without reading gets there. */
  constructor(socket: Duplex, maxBytes: number) {
    this.socket = socket;
    this.maxBytes = maxBytes;
  }

  get unsentBytes(): number {
    return this.socket.writableLength + this.bytes;
  }

  push(bytes: Buffer): void {
    if (this.isClosed) return;
    if (this.parts.length === 0) sendAtEndOfTurn(() => this.flush());
    this.parts.push(bytes);
    this.bytes += bytes.length;
    if (this.unsentBytes > this.maxBytes) this.socket.destroy();
  }

  flush(): void {
    const { parts } = this;
    if (parts.length === 0 || this.isClosed) return;
    this.parts = [];
    this.bytes = 0;
    this.socket.write(parts.length === 1 ? parts[0]! : Buffer.concat(parts));
  }

  close(): void {
    this.isClosed = true;
    this.parts = [];
  }
}
