/** A network inside the process: hosts by address, connections as queues, and cuts between hosts. */
import { P2pError } from "../../../src/p2p/errors.ts";
import type { Transport, Wiring } from "../../../src/p2p/net/transport.ts";

type Accept = (transport: Transport) => void;

class Pipe {
  readonly #chunks: Buffer[] = [];
  #wake: (() => void) | undefined;
  #drained: (() => void)[] = [];
  isClosed = false;
  queuedBytes = 0;

  write(bytes: Buffer): void {
    if (this.isClosed) return;
    this.#chunks.push(bytes);
    this.queuedBytes += bytes.length;
    this.#wake?.();
  }

  close(): void {
    this.isClosed = true;
    this.#wake?.();
    for (const resolve of this.#drained.splice(0)) resolve();
  }

  drained(): Promise<void> {
    if (this.queuedBytes < 65_536 || this.isClosed) return Promise.resolve();
    return new Promise((resolve) => this.#drained.push(resolve));
  }

  async *read(): AsyncGenerator<Buffer> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (this.isClosed) return;
      if (chunk !== undefined) {
        this.queuedBytes -= chunk.length;
        if (this.queuedBytes < 65_536) for (const resolve of this.#drained.splice(0)) resolve();
        yield chunk;
        continue;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

export class MemoryNet {
  readonly #listeners = new Map<string, Accept>();
  readonly #links = new Set<{ readonly hosts: readonly [string, string]; close(): void }>();
  readonly #names = new Map<string, string>();
  #isCut: (a: string, b: string) => boolean = () => false;
  #port = 40_000;

  name(name: string, host: string): void {
    this.#names.set(name, host);
  }

  /** Ends the connections between hosts of different groups, and lets none be made. */
  partition(...groups: readonly (readonly string[])[]): void {
    const groupOf = (host: string): number => groups.findIndex((group) => group.includes(host));
    this.#isCut = (a, b) => groupOf(a) !== groupOf(b);
    for (const link of this.#links) if (this.#isCut(...link.hosts)) link.close();
  }

  heal(): void {
    this.#isCut = () => false;
  }

  get connections(): number {
    return this.#links.size;
  }

  wiring(own: string): Wiring {
    return {
      listen: async (_host, port, accept) => {
        const key = `${own}:${port}`;
        this.#listeners.set(key, accept);
        return { host: own, port, close: async () => void this.#listeners.delete(key) };
      },
      dial: async (host, port) => {
        const accept = this.#listeners.get(`${host}:${port}`);
        if (accept === undefined || this.#isCut(own, host)) throw new P2pError("connection", "refused");
        return this.#connect(own, host, port, accept);
      },
      resolve: async (host) => this.#names.get(host) ?? host,
    };
  }

  #connect(from: string, to: string, port: number, accept: Accept): Transport {
    const [there, back] = [new Pipe(), new Pipe()];
    const link = {
      hosts: [from, to] as const,
      close: () => {
        there.close();
        back.close();
        this.#links.delete(link);
      },
    };
    this.#links.add(link);
    const end = (host: string, at: number, isInbound: boolean, out: Pipe, into: Pipe): Transport => ({
      host,
      port: at,
      isInbound,
      chunks: { [Symbol.asyncIterator]: () => into.read() },
      get queuedBytes() {
        return out.queuedBytes;
      },
      write: (bytes) => out.write(bytes),
      drained: () => out.drained(),
      close: link.close,
    });
    accept(end(from, this.#port++, true, back, there));
    return end(to, port, false, there, back);
  }
}
