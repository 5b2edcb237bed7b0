/**
 * Clients that speak just enough gRPC to ask one question at a time: a general client library would cost more processor time than the servers that it measures.
 * Frames are HTTP/2's (RFC 9113), header fields are sent uncompressed, answers are told apart by their frames' types alone.
 */
import { connect, type Socket } from "node:net";

const DATA = 0;
const HEADERS = 1;
const RESET = 3;
const PING = 6;
const GOAWAY = 7;
const END_STREAM = 1;
const END_HEADERS = 4;
const ACK = 1;
const HEAD_BYTES = 9;

export interface LoadResult {
  readonly done: number;
  readonly failed: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly slowestMs: number;
}

/** `clients` connections, spread over the ports, ask one question after another for `seconds`. */
export async function load(
  ports: readonly number[],
  clients: number,
  seconds: number,
  method: string,
  messageOf: (n: number) => Buffer,
): Promise<LoadResult> {
  const callers = await Promise.all(
    Array.from({ length: clients }, (_, i) => Caller.open(ports[i % ports.length] as number, method)),
  );
  const latencies: number[] = [];
  let failed = 0;
  let next = 0;
  const startedAt = performance.now();
  const end = startedAt + seconds * 1000;
  const run = async (caller: Caller): Promise<void> => {
    while (performance.now() < end) {
      const sentAt = performance.now();
      if (await caller.ask(messageOf(next++))) latencies.push(performance.now() - sentAt);
      else failed++;
    }
    caller.close();
  };
  await Promise.all(callers.map(run));
  const took = (performance.now() - startedAt) / 1000;
  latencies.sort((a, b) => a - b);
  const quantile = (share: number): number => latencies[Math.floor((latencies.length - 1) * share)] ?? Number.NaN;
  const [p50Ms, p99Ms, slowestMs] = [quantile(0.5), quantile(0.99), quantile(1)];
  return { done: latencies.length, failed, seconds: took, p50Ms, p99Ms, slowestMs };
}

/** One connection with one question under way. */
export class Caller {
  readonly #socket: Socket;
  readonly #headers: Buffer;
  #stream = -1;
  #rest: Buffer = Buffer.alloc(0);
  #hasMessage = false;
  #settle: ((isAnswered: boolean) => void) | undefined;

  private constructor(socket: Socket, method: string) {
    this.#socket = socket;
    this.#headers = headerBlock([
      [":method", "POST"],
      [":scheme", "http"],
      [":path", method],
      [":authority", "bench"],
      ["content-type", "application/grpc"],
      ["te", "trailers"],
    ]);
    socket.write(Buffer.concat([PREFACE, frame(4, 0, 0, Buffer.alloc(0)), WIDE_WINDOW]));
    socket.on("data", (chunk: Buffer) => this.#read(chunk));
    socket.on("error", () => {});
    socket.on("close", () => this.#settled(false));
  }

  static open(port: number, method: string): Promise<Caller> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: "127.0.0.1", port, noDelay: true }, () => resolve(new Caller(socket, method)));
      socket.once("error", reject);
    });
  }

  /** True when it was answered and not refused. */
  ask(message: Buffer): Promise<boolean> {
    if (this.#socket.destroyed) return Promise.resolve(false);
    this.#stream += 2;
    this.#hasMessage = false;
    const prefix = Buffer.alloc(5);
    prefix.writeUInt32BE(message.length, 1);
    return new Promise((resolve) => {
      this.#settle = resolve;
      this.#socket.write(
        Buffer.concat([
          frame(HEADERS, END_HEADERS, this.#stream, this.#headers),
          frame(DATA, END_STREAM, this.#stream, Buffer.concat([prefix, message])),
        ]),
      );
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    const bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    let at = 0;
    while (bytes.length - at >= HEAD_BYTES) {
      const stop = at + HEAD_BYTES + bytes.readUIntBE(at, 3);
      if (stop > bytes.length) break;
      this.#take(bytes[at + 3] ?? 0, bytes[at + 4] ?? 0, bytes.subarray(at + HEAD_BYTES, stop));
      at = stop;
    }
    this.#rest = bytes.subarray(at);
  }

  #take(type: number, flags: number, payload: Buffer): void {
    if (type === PING && (flags & ACK) === 0) this.#socket.write(frame(PING, ACK, 0, payload));
    else if (type === DATA) this.#hasMessage = true;
    else if (type === RESET || type === GOAWAY) this.#settled(false);
    else if (type === HEADERS && (flags & END_STREAM) !== 0) this.#settled(this.#hasMessage);
  }

  #settled(isAnswered: boolean): void {
    const settle = this.#settle;
    this.#settle = undefined;
    settle?.(isAnswered);
  }
}

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const WIDE_WINDOW = frame(8, 0, 0, Buffer.of(0x7f, 0xfe, 0, 0));

/** HPACK's literals without indexing (RFC 7541, 6.2.2), of fewer than 127 bytes each. */
function headerBlock(fields: readonly (readonly [string, string])[]): Buffer {
  const text = (value: string): Buffer[] => [Buffer.of(value.length), Buffer.from(value)];
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.of(0), ...text(name), ...text(value)]));
}

const bytesField = (number: number, value: Buffer): Buffer =>
  Buffer.concat([Buffer.of(number * 8 + 2), varint(value.length), value]);

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest >>>= 7) bytes.push((rest & 127) | 128);
  return Buffer.from([...bytes, rest]);
}

export const PUT = "/etcdserverpb.KV/Put";
export const RANGE = "/etcdserverpb.KV/Range";

export const putOf = (key: string, value: Buffer): Buffer =>
  Buffer.concat([bytesField(1, Buffer.from(key)), bytesField(2, value)]);

/** `isSerializable`: answered from the member's own state. */
export const rangeOf = (key: string, isSerializable: boolean): Buffer =>
  Buffer.concat([bytesField(1, Buffer.from(key)), ...(isSerializable ? [Buffer.of(7 * 8, 1)] : [])]);
