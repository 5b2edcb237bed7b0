/** A Lease in memory, with versions as the Kubernetes API keeps them; many contenders can share it. */
import type { LeaseAccess } from "@coracle/pod";

export type LeaseObject = Parameters<LeaseAccess["create"]>[0];

export function memoryLease(name: string): LeaseAccess {
  let current: LeaseObject | undefined;
  let version = 0;
  const store = (lease: LeaseObject): LeaseObject => {
    version++;
    current = structuredClone({ ...lease, metadata: { ...lease.metadata, name, resourceVersion: String(version) } });
    return structuredClone(current);
  };
  return {
    name,
    read: async () => structuredClone(current),
    create: async (lease) => (current ? "conflict" : store(lease)),
    replace: async (lease) =>
      current?.metadata?.resourceVersion === lease.metadata?.resourceVersion ? store(lease) : "conflict",
  };
}
