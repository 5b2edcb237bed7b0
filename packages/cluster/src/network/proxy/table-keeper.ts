import { isDeepStrictEqual } from "node:util";
import type { Node, Service } from "kubernetes-types/core/v1.js";
import type { EndpointSlice } from "kubernetes-types/discovery/v1.js";
import type { Change, Registry } from "../../machinery/types.ts";
import { isLoopback } from "../addresses.ts";
import { SliceIndex } from "../slices.ts";
import type { ProxyRow } from "./messages.ts";
import { serviceRows } from "./table.ts";

export type PostRows = (rows: readonly ProxyRow[], removed: readonly string[]) => void;

/** Follows Services, slices and nodes, and posts the rows that differ from those posted before, many changes in one batch. */
export class TableKeeper {
  readonly #services = new Map<string, Service>();
  readonly #slices = new SliceIndex((key) => this.#touch(key));
  readonly #nodeAddresses = new Map<string, readonly string[]>();
  readonly #posted = new Map<string, readonly ProxyRow[]>();
  readonly #dirty = new Set<string>();
  readonly #loopbackLoadBalancer: boolean;
  readonly #post: PostRows;
  #isScheduled = false;

  constructor(loopbackLoadBalancer: boolean, post: PostRows) {
    this.#loopbackLoadBalancer = loopbackLoadBalancer;
    this.#post = post;
  }

  /** Returns the unsubscribe function. */
  follow(store: Pick<Registry, "subscribe">, alsoServices: (change: Change<Service>) => void): () => void {
    const stops = [
      store.subscribe("nodes", (change) => this.#node(change)),
      store.subscribe("endpointslices.discovery.k8s.io", (change: Change<EndpointSlice>) => this.#slices.apply(change)),
      store.subscribe("services", (change) => {
        this.#service(change);
        alsoServices(change);
      }),
    ];
    return () => {
      for (const stop of stops) stop();
    };
  }

  /** Posts what waits, now. */
  flush(): void {
    this.#isScheduled = false;
    const rows: ProxyRow[] = [];
    const removed: string[] = [];
    for (const key of this.#dirty) {
      const before = this.#posted.get(key) ?? [];
      const after = this.#rowsOf(key);
      rows.push(...after.filter((row) => !before.some((old) => isDeepStrictEqual(old, row))));
      removed.push(...before.filter(({ id }) => !after.some((row) => row.id === id)).map(({ id }) => id));
      if (after.length > 0) this.#posted.set(key, after);
      else this.#posted.delete(key);
    }
    this.#dirty.clear();
    if (rows.length + removed.length > 0) this.#post(rows, removed);
  }

  #rowsOf(key: string): ProxyRow[] {
    const service = this.#services.get(key);
    const nodeAddresses = [...this.#nodeAddresses.values()].flat();
    const context = { nodeAddresses, loopbackLoadBalancer: this.#loopbackLoadBalancer };
    return service ? serviceRows(service, this.#slices.of(key), context) : [];
  }

  #service({ type, object }: Change<Service>): void {
    const key = `${object.metadata.namespace}/${object.metadata.name}`;
    if (type === "DELETED") this.#services.delete(key);
    else this.#services.set(key, object);
    this.#touch(key);
  }

  #node({ type, object }: Change<Node>): void {
    const addresses = type === "DELETED" ? [] : loopbackAddresses(object);
    if (isDeepStrictEqual(addresses, this.#nodeAddresses.get(object.metadata.name) ?? [])) return;
    this.#nodeAddresses.set(object.metadata.name, addresses);
    for (const key of this.#services.keys()) this.#touch(key);
  }

  #touch(key: string): void {
    this.#dirty.add(key);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => this.flush());
  }
}

/** Heartbeats change a node's status all the time; only its addresses matter here. */
const loopbackAddresses = ({ status }: Node): string[] =>
  (status?.addresses ?? [])
    .filter(({ type, address }) => type === "InternalIP" && isLoopback(address))
    .map(({ address }) => address);
