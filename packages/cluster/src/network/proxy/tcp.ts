/** The TCP data path of one Service port. */
import { connect, createServer, type Server, type Socket } from "node:net";
import { isLoopback } from "../addresses.ts";
import { Balancer } from "./balancer.ts";
import { type Address, addressKey, type ListenAddress, type ProxyRow } from "./messages.ts";
import { reset, splice } from "./splice.ts";

/** Connections that the whole proxy holds at once; further ones are reset. */
export interface Budget {
  left: number;
}

const maxAttempts = 3;

export class TcpPort {
  readonly #balancer = new Balancer();
  /** Open connections by endpoint, so that those of a removed one can be closed. */
  readonly #connections = new Map<string, Set<() => void>>();
  readonly #budget: Budget;
  #row: ProxyRow;

  constructor(row: ProxyRow, budget: Budget) {
    this.#row = row;
    this.#budget = budget;
  }

  /**
   * Connections to an endpoint that is no longer of this Service are reset. kube-proxy lets TCP connections be; but a Service
   * such as `role=master` selects by what a pod *is*: whoever stayed connected to a demoted primary would go on writing to
   * it and be refused, or worse, read what is stale. A reset makes the client come back, to the new primary. Pods that
   * merely turn unready or terminate stay in the slices, and keep their connections while they drain.
   */
  update(row: ProxyRow): void {
    this.#row = row;
    for (const [endpoint, connections] of this.#connections)
      if (!this.#keeps(endpoint)) for (const reset of [...connections]) reset();
  }

  #keeps(endpoint: string): boolean {
    return [...this.#row.endpoints, ...this.#row.draining].some((address) => addressKey(address) === endpoint);
  }

  listen({ address, port }: ListenAddress, listening: () => void, refused: (error: Error) => void): { close(): void } {
    const options = { allowHalfOpen: true, pauseOnConnect: true, noDelay: true };
    const server: Server = createServer(options, (client) => this.#accept(client));
    let isClosed = false;
    server.on("error", refused);
    server.listen({ host: address, port, exclusive: true }, () => {
      // `close` before this event leaves a server that is about to listen.
      if (isClosed) server.close();
      else listening();
    });
    return {
      close() {
        isClosed = true;
        server.close();
      },
    };
  }

  #accept(client: Socket): void {
    if (this.#budget.left <= 0) {
      reset(client);
      return;
    }
    this.#budget.left--;
    client.once("close", () => this.#budget.left++);
    client.on("error", () => client.destroy());
    this.#connect(client, new Set());
  }

  /** A refusal by one endpoint (its process just died) is not the client's business while there are others. */
  #connect(client: Socket, tried: Set<string>): void {
    const from = client.remoteAddress ?? "";
    const { endpoints, affinitySeconds } = this.#row;
    const endpoint = this.#balancer.choose(endpoints, from, Date.now(), affinitySeconds, tried);
    if (!endpoint || tried.size >= maxAttempts || client.destroyed) {
      reset(client);
      return;
    }
    const upstream = connect({
      host: endpoint.address,
      port: endpoint.port,
      allowHalfOpen: true,
      noDelay: true,
      ...sourceOf(from),
    });
    const onRefusal = (): void => this.#connect(client, tried.add(addressKey(endpoint)));
    const abandon = (): void => void upstream.destroy();
    client.once("close", abandon);
    upstream.once("error", onRefusal);
    upstream.once("connect", () => {
      client.off("close", abandon);
      upstream.off("error", onRefusal);
      if (this.#keeps(addressKey(endpoint))) return this.#join(client, upstream, endpoint);
      // Removed meanwhile.
      upstream.destroy();
      onRefusal();
    });
  }

  #join(client: Socket, upstream: Socket, endpoint: Address): void {
    const abort = (): void => {
      reset(client);
      reset(upstream);
    };
    const open = this.#openTo(addressKey(endpoint)).add(abort);
    const closed = (): void => {
      open.delete(abort);
      if (open.size === 0) this.#connections.delete(addressKey(endpoint));
    };
    splice(client, upstream);
    upstream.once("close", closed);
  }

  #openTo(endpoint: string): Set<() => void> {
    const open = this.#connections.get(endpoint) ?? new Set();
    this.#connections.set(endpoint, open);
    return open;
  }
}

/**
 * The endpoint sees who calls, not the proxy: any process may bind any loopback address, so the upstream connection leaves
 * from the client's own. NetworkPolicy at the accepting side depends on it.
 */
const sourceOf = (client: string): { localAddress?: string } =>
  isLoopback(client) && client !== hostAddress ? { localAddress: client } : {};

/** Where the kernel has connections to loopback leave from anyway; binding to it would cost a system call. */
const hostAddress = "127.0.0.1";
