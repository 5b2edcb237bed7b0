/** A Lease in memory, with versions and watches as the Kubernetes API has them; many contenders can share it. */
import { EventEmitter, on } from "node:events";
import type { LeaseAccess } from "@coracle/pod";

export type LeaseObject = Parameters<LeaseAccess["create"]>[0];

export function memoryLease(name: string): LeaseAccess {
  let current: LeaseObject | undefined;
  let version = 0;
  const changes = new EventEmitter().setMaxListeners(0);
  const store = (lease: LeaseObject): LeaseObject => {
    version++;
    current = structuredClone({ ...lease, metadata: { ...lease.metadata, name, resourceVersion: String(version) } });
    changes.emit("change", structuredClone(current));
    return structuredClone(current);
  };
  return {
    name,
    read: async () => structuredClone(current),
    create: async (lease) => (current ? "conflict" : store(lease)),
    replace: async (lease) =>
      current?.metadata?.resourceVersion === lease.metadata?.resourceVersion ? store(lease) : "conflict",
    async *watch(signal) {
      try {
        for await (const [lease] of on(changes, "change", { signal })) yield lease;
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    },
  };
}
