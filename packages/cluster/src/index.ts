/**
 * A Kubernetes for one machine, in one process: the API, the controllers, DNS, Services, and pods as local processes.
 *
 * ```ts
 * const cluster = await startCluster();
 * await writeFile("kubeconfig", cluster.kubeconfig); // kubectl --kubeconfig kubeconfig get nodes
 * await cluster.registry.create("namespaces", { metadata: { name: "demo" } });
 * await cluster.stop();
 * ```
 */
export { apiPort, type Cluster, startCluster } from "./cluster.ts";
export { ClusterError, type ClusterErrorCode } from "./errors.ts";
export { FaultError, type FaultErrorCode } from "./faults/errors.ts";
export type { Faults, ListedFault } from "./faults/faults.ts";
export type { Nodes } from "./faults/nodes.ts";
export type { FaultKind, FaultSpec } from "./faults/table.ts";
export type { FaultStatus } from "./faults/types.ts";
export type { Program } from "./kubelet/images/types.ts";
export type { Registry } from "./machinery/types.ts";
export type { ClusterOptions } from "./options.ts";
