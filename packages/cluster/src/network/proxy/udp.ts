/** The UDP data path of one Service port: one upstream socket for each client, forgotten when idle. */
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { isLoopback } from "../addresses.ts";
import { Balancer } from "./balancer.ts";
import { type Address, addressKey, type ListenAddress, type ProxyRow } from "./messages.ts";

const idleMs = 60_000;
/** Clients per listener; the datagrams of further ones are dropped. */
const maxFlows = 1024;
/** Datagrams that wait for their upstream socket to be ready. */
const maxWaiting = 64;

interface Flow {
  readonly endpoint: string;
  send(bytes: Buffer): void;
  close(): void;
  lastUsed: number;
}

export class UdpPort {
  readonly #balancer = new Balancer();
  readonly #listeners = new Set<Map<string, Flow>>();
  #row: ProxyRow;

  constructor(row: ProxyRow) {
    this.#row = row;
  }

  /** Flows to an endpoint that is gone are forgotten; the client's next datagram goes elsewhere. */
  update(row: ProxyRow): void {
    this.#row = row;
    const kept = new Set([...row.endpoints, ...row.draining].map(addressKey));
    for (const flows of this.#listeners)
      for (const flow of [...flows.values()]) if (!kept.has(flow.endpoint)) flow.close();
  }

  listen({ address, port }: ListenAddress, listening: () => void, refused: (error: Error) => void): { close(): void } {
    const flows = new Map<string, Flow>();
    const server = createSocket("udp4");
    const sweep = setInterval(() => closeIdle(flows, Date.now() - idleMs), idleMs / 4).unref();
    this.#listeners.add(flows);
    server.on("error", refused);
    server.on("message", (bytes, client) => this.#carry(server, flows, client, bytes));
    server.bind({ address, port, exclusive: true }, listening);
    return {
      close: () => {
        clearInterval(sweep);
        this.#listeners.delete(flows);
        for (const flow of [...flows.values()]) flow.close();
        server.close();
      },
    };
  }

  #carry(server: Socket, flows: Map<string, Flow>, client: RemoteInfo, bytes: Buffer): void {
    const key = addressKey(client);
    const flow = flows.get(key) ?? this.#open(server, flows, client);
    if (!flow) return;
    flow.lastUsed = Date.now();
    flow.send(bytes);
  }

  #open(server: Socket, flows: Map<string, Flow>, client: RemoteInfo): Flow | undefined {
    const { endpoints, affinitySeconds } = this.#row;
    const endpoint = this.#balancer.choose(endpoints, client.address, Date.now(), affinitySeconds);
    if (!endpoint || flows.size >= maxFlows) return undefined;
    const key = addressKey(client);
    const reply = (bytes: Buffer): void => server.send(bytes, client.port, client.address, () => {});
    const flow = openFlow(endpoint, client.address, reply, () => flows.delete(key));
    flows.set(key, flow);
    return flow;
  }
}

function openFlow(endpoint: Address, client: string, reply: (bytes: Buffer) => void, closed: () => void): Flow {
  const upstream = createSocket("udp4");
  let waiting: Buffer[] | undefined = [];
  const close = (): void => {
    upstream.removeAllListeners("message").on("error", () => {});
    closed();
    try {
      upstream.close();
    } catch {
      // Closed before.
    }
  };
  upstream.on("message", reply);
  upstream.on("error", close);
  upstream.bind({ address: isLoopback(client) ? client : "0.0.0.0", port: 0, exclusive: true }, () =>
    upstream.connect(endpoint.port, endpoint.address, () => {
      for (const bytes of waiting ?? []) upstream.send(bytes, () => {});
      waiting = undefined;
    }),
  );
  const send = (bytes: Buffer): void => {
    if (!waiting) upstream.send(bytes, () => {});
    else if (waiting.length < maxWaiting) waiting.push(bytes);
  };
  return { endpoint: addressKey(endpoint), send, close, lastUsed: Date.now() };
}

function closeIdle(flows: Map<string, Flow>, before: number): void {
  for (const flow of [...flows.values()]) if (flow.lastUsed < before) flow.close();
}
