/** What the cluster's parts are given so that they can fail on purpose, and the injector behind it. */
import type { Pod } from "kubernetes-types/core/v1.js";
import type { RequestFaults } from "../apiserver/context.ts";
import type { Clock, Registry } from "../machinery/types.ts";
import type { DnsIntercept } from "../network/dns/responder.ts";
import type { AddressPlan } from "../network/types.ts";
import { ApiFaults } from "./api-faults.ts";
import { DnsFaults } from "./dns-faults.ts";
import { type Faults, openFaults } from "./faults.ts";
import { FaultInjector } from "./injector.ts";
import { LiveFaults } from "./live-faults.ts";
import type { Machines } from "./types.ts";

export interface FaultInjectionOptions {
  readonly store: Registry;
  readonly clock: Clock;
  readonly plan: AddressPlan;
  /** Where the files stand that pods follow. */
  readonly dir: string;
}

export interface FaultInjection {
  /** For the API server. */
  readonly api: RequestFaults;
  /** For cluster DNS. */
  readonly dns: DnsIntercept;
  /** For the preload of a pod. */
  fileFor(pod: Pod): string;
  /** Begins to follow the fault objects; those of an earlier run are removed. Once, when the kubelet runs. */
  start(machines: Machines): Promise<Faults>;
  /** Undoes and removes all faults. Idempotent. */
  stop(): Promise<void>;
}

export function openFaultInjection({ store, clock, plan, dir }: FaultInjectionOptions): FaultInjection {
  const api = new ApiFaults();
  const dns = new DnsFaults();
  const live = new LiveFaults(store, dir);
  let injector: FaultInjector | undefined;
  return {
    api,
    dns: dns.intercept,
    fileFor: (pod) => live.fileFor(pod),
    async start(machines) {
      injector = new FaultInjector({ store, clock, plan, machines, api, dns, live });
      await injector.start();
      return openFaults(store, injector);
    },
    async stop() {
      await injector?.stop();
      injector = undefined;
      live.stop();
    },
  };
}
