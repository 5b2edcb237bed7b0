import type { Node, PersistentVolume, PersistentVolumeClaim, Pod } from "kubernetes-types/core/v1.js";
import { quantityMilli, quantityValue } from "../../machinery/quantity.ts";

/** A node with the pods that are bound to it and have not ended. */
export interface NodeView {
  readonly node: Node;
  readonly pods: readonly Pod[];
}

/** A claim of the pod, as far as it exists. */
export interface ClaimView {
  readonly name: string;
  readonly claim: PersistentVolumeClaim | undefined;
  readonly volume: PersistentVolume | undefined;
}

/** All that a scheduling decision depends on. */
export interface ClusterView {
  readonly nodes: readonly NodeView[];
  readonly claims: readonly ClaimView[];
}

/** Requests in the units of the comparison: millicores and bytes. */
export interface Requests {
  readonly cpu: number;
  readonly memory: number;
}

const sum = (a: Requests, b: Requests): Requests => ({ cpu: a.cpu + b.cpu, memory: a.memory + b.memory });
const larger = (a: Requests, b: Requests): Requests => ({
  cpu: Math.max(a.cpu, b.cpu),
  memory: Math.max(a.memory, b.memory),
});
const none: Requests = { cpu: 0, memory: 0 };

type Containers = readonly { readonly resources?: { readonly requests?: Readonly<Record<string, string>> } }[];

const requestsOf = (containers: Containers = []): Requests[] =>
  containers.map(({ resources }) => ({
    cpu: quantityMilli(resources?.requests?.cpu ?? 0),
    memory: quantityValue(resources?.requests?.memory ?? 0),
  }));

/** What a pod needs: its containers together, or its largest init container if that is more. */
export const podRequests = ({ spec }: Pod): Requests =>
  larger(requestsOf(spec?.containers).reduce(sum, none), requestsOf(spec?.initContainers).reduce(larger, none));

export const usedOn = ({ pods }: NodeView): Requests => pods.map(podRequests).reduce(sum, none);

/** What a node offers; a resource that it does not state has no limit. */
export const allocatableOf = ({ status }: Node): Requests & { readonly pods: number } => {
  const { cpu, memory, pods } = status?.allocatable ?? {};
  return {
    cpu: cpu === undefined ? Number.POSITIVE_INFINITY : quantityMilli(cpu),
    memory: memory === undefined ? Number.POSITIVE_INFINITY : quantityValue(memory),
    pods: pods === undefined ? Number.POSITIVE_INFINITY : quantityValue(pods),
  };
};
