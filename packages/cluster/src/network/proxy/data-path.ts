/** Keeps the open listeners equal to the table. Runs in the worker thread, knows nothing of Kubernetes. */
import { systemCode } from "../errors.ts";
import { addressKey, type FromWorker, type ListenAddress, type ProxyRow } from "./messages.ts";
import { type Budget, TcpPort } from "./tcp.ts";
import { UdpPort } from "./udp.ts";

const maxConnections = 8192;
/** An address that somebody else holds is tried again this often. */
const retryMs = 5_000;

interface Port {
  readonly handler: TcpPort | UdpPort;
  row: ProxyRow;
  readonly listeners: Map<string, { close(): void }>;
}

export class DataPath {
  readonly #ports = new Map<string, Port>();
  readonly #budget: Budget = { left: maxConnections };
  readonly #say: (message: FromWorker) => void;
  readonly #retries = new Set<NodeJS.Timeout>();
  /** Addresses refused so far, told once each until they open. */
  readonly #refused = new Set<string>();

  constructor(say: (message: FromWorker) => void) {
    this.#say = say;
  }

  /** Resolves when every listener that the change asks for is open or refused. */
  async apply(rows: readonly ProxyRow[], removed: readonly string[]): Promise<void> {
    for (const id of removed) this.#remove(id);
    await Promise.all(rows.map((row) => this.#put(row)));
  }

  stop(): void {
    for (const retry of this.#retries) clearTimeout(retry);
    for (const id of [...this.#ports.keys()]) this.#remove(id);
  }

  async #put(row: ProxyRow): Promise<void> {
    const port = this.#ports.get(row.id) ?? this.#create(row);
    port.row = row;
    port.handler.update(row);
    const wanted = wantedListeners(row);
    for (const [key, listener] of port.listeners) if (!wanted.has(key)) close(port, key, listener);
    await Promise.all([...wanted].filter(([key]) => !port.listeners.has(key)).map(([, at]) => this.#open(port, at)));
  }

  #create(row: ProxyRow): Port {
    const handler = row.protocol === "TCP" ? new TcpPort(row, this.#budget) : new UdpPort(row);
    const port: Port = { handler, row, listeners: new Map() };
    this.#ports.set(row.id, port);
    return port;
  }

  #remove(id: string): void {
    const port = this.#ports.get(id);
    if (!port) return;
    this.#ports.delete(id);
    for (const [key, listener] of port.listeners) close(port, key, listener);
    // No endpoints: what is connected is reset, what is connecting finds none.
    port.handler.update({ ...port.row, endpoints: [], draining: [] });
  }

  #open(port: Port, at: ListenAddress): Promise<void> {
    const key = addressKey(at);
    return new Promise((resolve) => {
      const opened = (): void => {
        this.#refused.delete(`${port.row.id} ${key}`);
        resolve();
      };
      const inner = port.handler.listen(at, opened, (error) => {
        if (port.listeners.get(key) === listener) this.#refuse(port, at, error);
        resolve();
      });
      const listener = {
        close() {
          inner.close();
          resolve();
        },
      };
      port.listeners.set(key, listener);
    });
  }

  #refuse(port: Port, at: ListenAddress, error: Error): void {
    const key = addressKey(at);
    const { id } = port.row;
    port.listeners.get(key)?.close();
    port.listeners.delete(key);
    if (!this.#refused.has(`${id} ${key}`)) this.#say({ type: "refused", id, at, code: systemCode(error) });
    this.#refused.add(`${id} ${key}`);
    const retry = setTimeout(() => {
      this.#retries.delete(retry);
      const isWanted = this.#ports.get(id) === port && wantedListeners(port.row).has(key) && !port.listeners.has(key);
      if (isWanted) void this.#open(port, at);
    }, retryMs).unref();
    this.#retries.add(retry);
  }
}

/**
 * Without endpoints nothing listens, so that the kernel refuses at once (ECONNREFUSED), as kube-proxy's REJECT rule does:
 * a client fails over in no time instead of waiting for an answer.
 */
function wantedListeners(row: ProxyRow): Map<string, ListenAddress> {
  return new Map(row.endpoints.length === 0 ? [] : row.listen.map((at) => [addressKey(at), at]));
}

function close(port: Port, key: string, listener: { close(): void }): void {
  port.listeners.delete(key);
  listener.close();
}
