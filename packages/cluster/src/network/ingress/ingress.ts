/** The Ingress controller: follows the objects, has the gateway in the proxy's thread serve them, and writes their status. */
import { isDeepStrictEqual } from "node:util";
import type { EndpointSlice } from "kubernetes-types/discovery/v1.js";
import type { Ingress, IngressClass } from "kubernetes-types/networking/v1.js";
import type { EventRecorder } from "../../machinery/events.ts";
import type { Change, Registry, Stored } from "../../machinery/types.ts";
import type { DataPathThread } from "../proxy/data-path-thread.ts";
import { SliceIndex } from "../slices.ts";
import type { AddressPlan } from "../types.ts";
import { addressesOfIngress, assignAddresses } from "./addresses.ts";
import { certificateOf, tlsEntries } from "./certificates.ts";
import { groupByAddress, ingressController, ownIngresses } from "./ownership.ts";
import { IngressStatuses } from "./status.ts";
import { dependencies, ingressTable } from "./table.ts";
import type { IngressCertificate, IngressTable, SiteReport } from "./types.ts";

const ingresses = "ingresses.networking.k8s.io";
const classes = "ingressclasses.networking.k8s.io";
export const ingressClassName = "coracle";
const defaultClassAnnotation = "ingressclass.kubernetes.io/is-default-class";

export interface IngressOptions {
  readonly store: Pick<Registry, "create" | "get" | "list" | "modify" | "subscribe">;
  readonly plan: Pick<AddressPlan, "loadBalancers">;
  readonly thread: Pick<DataPathThread, "serveIngress" | "onSite">;
  /** Also serve at 127.0.0.1, at 80 and 443 or else 8080 and 8443. */
  readonly isOnLoopback: boolean;
  /** A certificate of the cluster's own authority. */
  issueCertificate(hosts: readonly string[]): Omit<IngressCertificate, "names">;
  readonly recordEvent?: EventRecorder;
}

/** Resolves once the class `coracle` exists and every Ingress present is served. */
export async function startIngress(options: IngressOptions): Promise<{ stop(): Promise<void> }> {
  await createClass(options.store);
  const controller = new IngressController(options);
  const unfollow = controller.follow();
  await controller.refresh();
  return {
    async stop() {
      unfollow();
      await controller.idle();
    },
  };
}

/** The default class of a cluster that has none; kept as it is where it exists. */
async function createClass(store: IngressOptions["store"]): Promise<void> {
  const present = store.list(classes);
  if (present.some(({ metadata }) => metadata.name === ingressClassName)) return;
  const isDefault = !present.some(({ metadata }) => metadata.annotations?.[defaultClassAnnotation] === "true");
  const object: IngressClass = {
    apiVersion: "networking.k8s.io/v1",
    kind: "IngressClass",
    metadata: { name: ingressClassName, ...(isDefault && { annotations: { [defaultClassAnnotation]: "true" } }) },
    spec: { controller: ingressController },
  };
  await store.create(classes, object);
}

class IngressController {
  readonly #options: IngressOptions;
  readonly #statuses: IngressStatuses;
  readonly #addresses: readonly string[];
  readonly #slices = new SliceIndex((service) => this.#touchIfUsed(`services/${service}`));
  readonly #reports = new Map<string, SiteReport>();
  readonly #fallback: IngressOptions["issueCertificate"];
  #sites: ReadonlyMap<string, readonly Stored<Ingress>[]> = new Map();
  #uses: ReadonlySet<string> = new Set();
  #served: IngressTable = { sites: [], backends: [] };
  #scheduled: NodeJS.Immediate | undefined;

  constructor(options: IngressOptions) {
    this.#options = options;
    this.#addresses = addressesOfIngress(options.plan.loadBalancers);
    this.#statuses = new IngressStatuses(options.store, options.recordEvent);
    this.#fallback = rememberLast(options.issueCertificate);
  }

  /** Returns the function that ends it. */
  follow(): () => void {
    const { store, thread } = this.#options;
    const used =
      (kind: "services" | "secrets") =>
      ({ object: { metadata } }: Change<{ metadata?: { namespace?: string } }>): void =>
        this.#touchIfUsed(`${kind}/${metadata.namespace}/${metadata.name}`);
    thread.onSite((report) => this.#hear(report));
    const stops = [
      store.subscribe("endpointslices.discovery.k8s.io", (change: Change<EndpointSlice>) => this.#slices.apply(change)),
      store.subscribe("services", used("services")),
      store.subscribe("secrets", used("secrets")),
      store.subscribe(classes, () => this.#touch()),
      store.subscribe(ingresses, ({ type, object }) => {
        if (type === "DELETED") this.#statuses.forget(object);
        this.#touch();
      }),
    ];
    return () => {
      for (const stop of stops) stop();
      clearImmediate(this.#scheduled);
    };
  }

  idle(): Promise<void> {
    return this.#statuses.idle();
  }

  /** Brings the gateway and the statuses up to date; resolves when both are. */
  async refresh(): Promise<void> {
    this.#scheduled = undefined;
    const own = ownIngresses(this.#options.store.list(ingresses), this.#options.store.list(classes));
    this.#sites = assignAddresses(groupByAddress(own), this.#addresses);
    this.#uses = dependencies(own);
    const table = this.#table();
    for (const address of this.#reports.keys()) if (!this.#sites.has(address)) this.#reports.delete(address);
    if (!isDeepStrictEqual(table, this.#served)) {
      this.#served = table;
      await this.#options.thread.serveIngress(table);
    }
    this.#writeStatuses();
    await this.#statuses.idle();
  }

  #table(): IngressTable {
    const { store, isOnLoopback } = this.#options;
    const at = <T>(key: string, get: (namespace: string, name: string) => T): T => {
      const [namespace = "", name = ""] = key.split("/");
      return get(namespace, name);
    };
    return ingressTable({
      sites: this.#sites,
      service: (key) => at(key, (namespace, name) => store.get("services", namespace, name)),
      secret: (key) => at(key, (namespace, name) => store.get("secrets", namespace, name)),
      slices: (service) => this.#slices.of(service),
      fallback: this.#fallback,
      onLoopback: isOnLoopback ? this.#addresses[0] : undefined,
    });
  }

  #writeStatuses(): void {
    const served = new Set<string>();
    for (const [address, group] of this.#sites)
      for (const ingress of group) {
        served.add(ingress.metadata.uid);
        const report = this.#reports.get(address);
        if (report) this.#statuses.serving(ingress, address, report.urls);
        this.#checkCertificates(ingress);
      }
    for (const ingress of this.#options.store.list(ingresses))
      if (!served.has(ingress.metadata.uid) && this.#isWrittenByUs(ingress)) this.#statuses.notServing(ingress);
  }

  #checkCertificates(ingress: Stored<Ingress>): void {
    for (const { secret, entry } of tlsEntries([ingress])) {
      const [namespace = "", name = ""] = secret.split("/");
      if (!certificateOf(entry, this.#options.store.get("secrets", namespace, name)))
        this.#statuses.badCertificate(ingress, name);
    }
  }

  #isWrittenByUs({ status }: Ingress): boolean {
    return this.#addresses.includes(status?.loadBalancer?.ingress?.[0]?.ip ?? "");
  }

  #hear(report: SiteReport): void {
    this.#reports.set(report.address, report);
    this.#writeStatuses();
  }

  #touchIfUsed(object: string): void {
    if (this.#uses.has(object)) this.#touch();
  }

  #touch(): void {
    this.#scheduled ??= setImmediate(() => void this.refresh());
  }
}

/** Keys are made anew only when the hosts differ from those of the last few sites. */
function rememberLast(issue: IngressOptions["issueCertificate"]): IngressOptions["issueCertificate"] {
  const maxRemembered = 128;
  const issued = new Map<string, Omit<IngressCertificate, "names">>();
  return (hosts) => {
    const key = hosts.join(" ");
    const certificate = issued.get(key) ?? issue(hosts);
    issued.delete(key);
    issued.set(key, certificate);
    const [oldest] = issued.keys();
    if (issued.size > maxRemembered && oldest !== undefined) issued.delete(oldest);
    return certificate;
  };
}
