import type { AddressPlan } from "../network/types.ts";
import { systemClock } from "./clock.ts";
import type { SchemaSource } from "./fields/schema.ts";
import { Machinery } from "./machinery.ts";
import { DiskJournal } from "./storage/disk.ts";
import { Storage } from "./storage/storage.ts";
import type { ApiStore } from "./store.ts";
import type { Clock } from "./types.ts";

export interface StoreOptions {
  /** Folder of the log and the snapshots; in memory when absent. */
  readonly dir?: string;
  readonly plan: AddressPlan;
  readonly clock?: Clock;
  /** Changes kept per resource for watchers that resume; default 1000. */
  readonly historyLimit?: number;
  /** Fields of the built-in kinds, for the check of requests; without it they are taken as they come. */
  readonly schemas?: SchemaSource;
  /** Bytes logged before the first snapshot; default 16 MiB. */
  readonly snapshotBytes?: number;
}

const systemNamespaces = ["default", "kube-system", "kube-public", "kube-node-lease"];

/**
 * Opens the registry, with the namespaces that every cluster has. Rejects with ClusterError `unreadable-state` when the folder's state is
 * damaged, with WalError `locked` when another process has it.
 */
export async function openStore(options: StoreOptions): Promise<ApiStore> {
  const { plan, clock = systemClock, schemas } = options;
  const storage = await openStorage(options);
  const store = new Machinery({ storage, plan, clock, ...(schemas && { schemas }) });
  await createSystemNamespaces(store);
  return store;
}

async function openStorage({ dir, historyLimit = 1000, snapshotBytes = 16 << 20 }: StoreOptions): Promise<Storage> {
  if (dir === undefined) return new Storage({ historyLimit });
  const journal = await DiskJournal.open({ dir, snapshotBytes });
  const storage = new Storage({ historyLimit, journal });
  await journal.recover(storage).catch(async (error) => {
    await journal.close();
    throw error;
  });
  return storage;
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
