/** The cluster's virtual nodes. Stopping one is a fault like any other. */
import type { Faults } from "./faults.ts";

export interface Nodes {
  readonly names: readonly string[];
  /**
   * Takes a node away as a power failure would: its pods' processes are killed, it falls silent, becomes NotReady after the grace
   * period, and its pods are evicted when their tolerations end. With `outOfService` it is tainted so, and its pods move as soon as
   * it is NotReady, those of StatefulSets included. Resolves when the processes have ended. A node that is stopped stays so.
   * @throws FaultError `no-target`
   */
  stop(name: string, options?: { readonly outOfService?: boolean }): Promise<void>;
  /** Brings it back: what is no longer wanted there goes, the rest starts again. */
  start(name: string): Promise<void>;
}

/** The fault that stands for a stopped node. */
export const nodeFaultName = (node: string): string => `node-stop-${node}`;

export const openNodes = (names: readonly string[], faults: Faults): Nodes => ({
  names,
  async stop(node, { outOfService = false } = {}) {
    const id = nodeFaultName(node);
    const present = faults.list().find((fault) => fault.id === id);
    if (present?.status.phase === "Active") return;
    await faults.clear(id);
    await faults.add({ kind: "node-stop", node, outOfService }, { id });
  },
  start: (node) => faults.clear(nodeFaultName(node)),
});
