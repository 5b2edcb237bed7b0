/**
 * What a gRPC call costs a server before it does anything: whitewater's own HTTP/2, Node's, and @grpc/grpc-js, each answering puts of 1 KiB with fixed bytes.
 * Run: npm run bench -- http2 [rounds]
 */
import { fork } from "node:child_process";
import { createServer as createHttp2Server, type ServerHttp2Stream } from "node:http2";
import { type AddressInfo, createServer } from "node:net";
import { loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { Connection } from "../systems/whitewater/dist/etcd/http2/connection.js";
import { defaultLimits } from "../systems/whitewater/dist/etcd/http2/limits.js";
import { publish, type Row, table } from "./parts/report.js";
import { load, PUT, putOf } from "./whitewater/load.js";
import { cpuMs } from "./whitewater/servers.js";

const CLIENTS = 50;
const SECONDS = 2;
const ANSWER = Buffer.alloc(24, 1);
const VALUE = Buffer.alloc(1024, "v");
const HOST = "127.0.0.1";

function serveOurs(listening: (port: number) => void): void {
  const server = createServer({ noDelay: true }, (socket) => {
    new Connection(socket, defaultLimits, (call) => {
      call.handler = { message() {}, ended: () => call.respond(ANSWER), closed() {} };
    });
  });
  server.listen(0, HOST, () => listening((server.address() as AddressInfo).port));
}

function serveNode(listening: (port: number) => void): void {
  const framed = Buffer.concat([Buffer.of(0, 0, 0, 0, ANSWER.length), ANSWER]);
  const server = createHttp2Server();
  server.on("stream", (stream: ServerHttp2Stream) => {
    stream.resume();
    stream.on("end", () => {
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.end(framed);
    });
  });
  server.listen(0, HOST, () => listening((server.address() as AddressInfo).port));
}

function serveGrpcJs(listening: (port: number) => void): void {
  const server = new Server();
  const bytes = (value: Buffer): Buffer => value;
  const put = {
    path: PUT,
    requestStream: false,
    responseStream: false,
    requestSerialize: bytes,
    requestDeserialize: bytes,
    responseSerialize: bytes,
    responseDeserialize: bytes,
  };
  server.addService(
    { put },
    { put: (_: unknown, answer: (error: null, value: Buffer) => void) => answer(null, ANSWER) },
  );
  server.bindAsync(`${HOST}:0`, ServerCredentials.createInsecure(), (_, port) => listening(port));
}

const KINDS = { "@grpc/grpc-js": serveGrpcJs, "node:http2 alone": serveNode, ours: serveOurs } as const;

interface Running {
  readonly name: string;
  readonly port: number;
  readonly pid: number;
  stop(): void;
}

function start(name: string): Promise<Running> {
  const child = fork(fileURLToPath(import.meta.url), ["serve", name]);
  return new Promise((resolve) => {
    child.once("message", (port: number) =>
      resolve({ name, port, pid: child.pid ?? 0, stop: () => void child.kill("SIGKILL") }),
    );
  });
}

async function compare(rounds: number): Promise<void> {
  const loadBefore = loadavg()[0] ?? 0;
  const servers = await Promise.all(Object.keys(KINDS).map(start));
  const costs = servers.map((): number[] => []);
  try {
    for (let round = 0; round <= rounds; round++)
      for (const [i, { port, pid }] of servers.entries()) {
        const before = cpuMs([pid]);
        const { done } = await load([port], CLIENTS, SECONDS, PUT, (n) => putOf(`bench/${n}`, VALUE));
        // V8 compiles what it runs while it runs: the first round is not counted.
        if (round > 0) costs[i]?.push(((cpuMs([pid]) - before) * 1000) / done);
      }
  } finally {
    for (const server of servers) server.stop();
  }
  const rows = servers.map(({ name }, i): Row => {
    const sorted = (costs[i] ?? []).sort((a, b) => a - b);
    return [name, (sorted[sorted.length >> 1] ?? Number.NaN).toFixed(0)];
  });
  publish("http2", `npm run bench -- http2 ${rounds}`, loadBefore, [
    `Processor time of the server for one put of 1 KiB that is answered with fixed bytes, ${CLIENTS} connections, the three in turn, median of ${rounds} rounds of ${SECONDS} s.`,
    table(["server", "µs a call"], rows),
  ]);
}

const [, , first = "5", kind = ""] = process.argv;
if (first === "serve") KINDS[kind as keyof typeof KINDS]((port) => process.send?.(port));
else await compare(Number(first));
