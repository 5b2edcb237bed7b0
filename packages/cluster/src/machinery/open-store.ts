import type { AddressPlan } from "../network/types.ts";
import { systemClock } from "./clock.ts";
import { Machinery } from "./machinery.ts";
import { Storage } from "./storage/storage.ts";
import type { ApiStore } from "./store.ts";
import type { Clock } from "./types.ts";

export interface StoreOptions {
  /** Folder of the log and the snapshots; in memory when absent. */
  readonly dir?: string;
  readonly plan: AddressPlan;
  readonly clock?: Clock;
  /** Changes kept per resource for watchers that resume; default 2048. */
  readonly historyLimit?: number;
}

const systemNamespaces = ["default", "kube-system", "kube-public", "kube-node-lease"];

/** Opens the registry, with the namespaces that every cluster has. */
export async function openStore({ plan, clock = systemClock, historyLimit = 2048 }: StoreOptions): Promise<ApiStore> {
  const storage = new Storage({ historyLimit });
  const store = new Machinery({ storage, plan, clock });
  await createSystemNamespaces(store);
  return store;
}

async function createSystemNamespaces(store: ApiStore): Promise<void> {
  for (const name of systemNamespaces) {
    if (store.get("namespaces", "", name)) continue;
    await store.create("namespaces", { metadata: { name } }, { fieldManager: "kube-apiserver" });
    await store.create("serviceaccounts", { metadata: { name: "default", namespace: name } }, accountWriter);
  }
}

/** The service-account controller would make these a moment later; pods of the first moment need them now. */
const accountWriter = { fieldManager: "kube-controller-manager" };
