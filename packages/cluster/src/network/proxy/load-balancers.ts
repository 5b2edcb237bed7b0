/** Gives LoadBalancer Services their addresses and writes them into the status, as a cloud's controller would. */
import type { Service } from "kubernetes-types/core/v1.js";
import type { Change, Registry } from "../../machinery/types.ts";
import type { AddressRange } from "../types.ts";

/** The last addresses of the range belong to the Ingress. */
export const ingressAddresses = 64;

export type ReportProblem = (service: { namespace: string; name: string }, reason: string, message: string) => void;

/** Invariant: two Services never hold the same address; a restart finds the addresses in the statuses. */
export class LoadBalancers {
  readonly #holders = new Map<string, string>();
  readonly #store: Pick<Registry, "get" | "modify">;
  readonly #range: AddressRange;
  readonly #report: ReportProblem;
  readonly #pending = new Set<string>();
  #working: Promise<void> | undefined;

  constructor(store: Pick<Registry, "get" | "modify">, range: AddressRange, report: ReportProblem) {
    this.#store = store;
    this.#range = range;
    this.#report = report;
  }

  /** Takes note of a Service; what must be written follows once all changes at hand are known. */
  observe({ type, object }: Change<Service>): void {
    const key = `${object.metadata.namespace}/${object.metadata.name}`;
    const isGone = type === "DELETED";
    const address = isGone ? undefined : ipOf(object);
    for (const [held, holder] of this.#holders) if (holder === key && held !== address) this.#holders.delete(held);
    if (address && !this.#holders.has(address)) this.#holders.set(address, key);
    if (isGone || !this.#needsWrite(key, object)) return;
    this.#pending.add(key);
    this.#working ??= this.#work();
  }

  /** Resolves when what is being written is written. */
  async idle(): Promise<void> {
    await this.#working;
  }

  #needsWrite(key: string, service: Service): boolean {
    const address = ipOf(service);
    if (!isOurs(service)) return address !== undefined && this.#range.contains(address);
    return !address || this.#holders.get(address) !== key;
  }

  async #work(): Promise<void> {
    await Promise.resolve();
    for (const key of this.#pending) {
      this.#pending.delete(key);
      const [namespace = "", name = ""] = key.split("/");
      const service = this.#store.get("services", namespace, name);
      if (service && this.#needsWrite(key, service)) await this.#write({ namespace, name }, service);
    }
    this.#working = undefined;
  }

  async #write(ref: { namespace: string; name: string }, service: Service): Promise<void> {
    const key = `${ref.namespace}/${ref.name}`;
    const ip = isOurs(service) ? this.#allocate(service) : undefined;
    if (isOurs(service) && !ip) {
      this.#report(ref, "AddressesExhausted", "no load balancer address is free; delete a LoadBalancer Service");
      return;
    }
    if (ip) this.#holders.set(ip, key);
    const loadBalancer = ip ? { ingress: [{ ip, ipMode: "VIP" }] } : {};
    const write = (draft: Service): void => {
      Object.assign(draft, { status: { ...draft.status, loadBalancer } });
    };
    try {
      await this.#store.modify("services", ref.namespace, ref.name, write, {
        subresource: "status",
        fieldManager: "service-controller",
      });
    } catch (error) {
      if (ip) this.#holders.delete(ip);
      this.#report(ref, "SyncLoadBalancerFailed", String(error));
    }
  }

  #allocate({ spec }: Service): string | undefined {
    const asked = spec?.loadBalancerIP;
    if (asked && this.#range.contains(asked) && !this.#holders.has(asked)) return asked;
    for (let index = 0; index < this.#range.size - ingressAddresses; index++) {
      const address = this.#range.at(index);
      if (!this.#holders.has(address)) return address;
    }
    return undefined;
  }
}

/** Another class means that somebody else's controller serves it. */
const isOurs = ({ spec }: Service): boolean => spec?.type === "LoadBalancer" && !spec.loadBalancerClass;

const ipOf = ({ status }: Service): string | undefined => status?.loadBalancer?.ingress?.[0]?.ip;
