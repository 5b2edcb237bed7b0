/**
 * Fault injection. A fault is an object of the API, `faults.coracle.dev/v1`: creating one injects it, deleting it clears it, from
 * this library, from kubectl and from the command line alike. They end with the cluster.
 */
import { StatusError } from "../machinery/errors.ts";
import type { Registry, Stored } from "../machinery/types.ts";
import { FaultError } from "./errors.ts";
import type { FaultSpec } from "./table.ts";
import { type Fault, type FaultStatus, faultApiVersion, faultResource } from "./types.ts";

/** A fault as it stands. */
export interface ListedFault {
  /** By which it is cleared. */
  readonly id: string;
  readonly spec: FaultSpec;
  readonly status: FaultStatus;
}

export interface Faults {
  /**
   * Injects a fault and resolves when it is in force (a kill: when it is done).
   * @throws FaultError `refused` for parameters that the kind does not take, `no-target` when there is nobody to hit
   */
  add(spec: FaultSpec, options?: { readonly id?: string }): Promise<ListedFault>;
  /** All faults; those that are over for one more minute. */
  list(): readonly ListedFault[];
  /** Ends one fault, or all. Resolves when everything is as it was; a fault that does not exist is no error; rejects when it could not be ended. */
  clear(id?: string): Promise<void>;
}

/** What the injector says when it has dealt with a fault. */
export interface Settled {
  /** Resolves when everything that was asked of the fault has been done. */
  settled(uid: string): Promise<void>;
}

export function openFaults(store: Registry, injector: Settled): Faults {
  const clear = async (fault: Stored<Fault>): Promise<void> => {
    await store.delete(faultResource, "", fault.metadata.name).catch((error: unknown) => {
      if (!(error instanceof StatusError && error.reason === "NotFound")) throw error; // Ended by itself meanwhile.
    });
    await injector.settled(fault.metadata.uid);
  };
  return {
    async add(spec, { id } = {}) {
      const name = id ?? nextName(store, spec.kind);
      const created = await store
        .create(faultResource, { apiVersion: faultApiVersion, kind: "Fault", metadata: { name }, spec })
        .catch((cause: Error) => {
          throw new FaultError("refused", cause.message, { cause });
        });
      await injector.settled(created.metadata.uid);
      const listed = listedFault(store.get(faultResource, "", name) ?? created);
      if (listed.status.phase !== "Failed") return listed;
      await clear(created);
      throw new FaultError("no-target", listed.status.message ?? "The fault could not be injected.");
    },
    list: () => store.list(faultResource).map(listedFault),
    async clear(id) {
      const wanted = store.list(faultResource).filter(({ metadata }) => id === undefined || metadata.name === id);
      await Promise.all(wanted.map(clear));
    },
  };
}

const listedFault = ({ metadata, spec, status }: Stored<Fault>): ListedFault => ({
  id: metadata.name,
  spec: spec as FaultSpec,
  status: status ?? { phase: "Active" },
});

/** The kind with the first number that is free. */
function nextName(store: Registry, kind: string): string {
  for (let number = 1; ; number++) {
    const name = `${kind}-${number}`;
    if (store.get(faultResource, "", name) === undefined) return name;
  }
}
