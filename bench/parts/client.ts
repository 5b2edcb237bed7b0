/** The client of the benchmarks: Node's own HTTPS with kept connections, a fixed number of requests at a time. */
import { Agent, request } from "node:https";
import { cpuMicros } from "./cluster.ts";

export interface Answer {
  readonly status: number;
  readonly body: string;
}

export type Send = (method: string, path: string, body?: unknown, contentType?: string) => Promise<Answer>;

export function connectTo(url: string, token: string, connections: number): Send {
  const { hostname, port } = new URL(url);
  const agent = new Agent({ keepAlive: true, maxSockets: connections, rejectUnauthorized: false });
  return (method, path, body, contentType = "application/json") =>
    new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${token}`, "content-type": contentType, accept: "application/json" };
      const sent = request({ hostname, port, method, path, agent, headers }, (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (part: string) => {
          text += part;
        });
        response.on("end", () => resolve({ status: response.statusCode ?? 0, body: text }));
      });
      sent.on("error", reject);
      sent.end(body === undefined ? undefined : JSON.stringify(body));
    });
}

export interface Figures {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** CPU time of the server, and of this client, for one request. */
  readonly serverMicros: number;
  readonly clientMicros: number;
  readonly answerBytes: number;
}

/** Sends `count` requests, `concurrency` at a time. */
export async function measure(
  pid: number,
  count: number,
  concurrency: number,
  send: (index: number) => Promise<Answer>,
): Promise<Figures> {
  const latencies: number[] = [];
  let next = 0;
  let answerBytes = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      const index = next++;
      const sentAt = performance.now();
      const { status, body } = await send(index);
      if (status >= 300) throw new Error(`request ${index} was answered ${status}: ${body.slice(0, 200)}`);
      latencies.push(performance.now() - sentAt);
      answerBytes = body.length;
    }
  };
  const [server, client, startedAt] = [cpuMicros(pid), process.cpuUsage(), performance.now()];
  await Promise.all(Array.from({ length: concurrency }, worker));
  const seconds = (performance.now() - startedAt) / 1000;
  const used = process.cpuUsage(client);
  latencies.sort((a, b) => a - b);
  return {
    perSecond: count / seconds,
    p50Ms: latencies[Math.floor(count / 2)] ?? 0,
    p99Ms: latencies[Math.floor(count * 0.99)] ?? 0,
    serverMicros: (cpuMicros(pid) - server) / count,
    clientMicros: (used.user + used.system) / count,
    answerBytes,
  };
}
