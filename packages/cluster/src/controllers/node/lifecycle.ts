import type { Node, Pod } from "kubernetes-types/core/v1.js";
import type { Stored } from "../../machinery/types.ts";
import { findCondition, withCondition } from "../harness/conditions.ts";
import type { ControllerContext } from "../harness/context.ts";
import type { Controller } from "../harness/controller.ts";
import { isTerminated, podCondition } from "../harness/pods.ts";
import { timestamp } from "../harness/time.ts";
import { type ObjectKey, watch, watchSelf } from "../harness/watch.ts";
import { heardCondition, readinessOf, silentCondition, silentReason, wantedTaints } from "./health.ts";

const name = "node-controller";
const podReason = "NodeNotReady";

/**
 * Notices nodes whose kubelet has fallen silent: their Ready condition becomes Unknown, they are tainted, and their pods are not ready.
 * Silence is measured on this process's clock from when a heartbeat was seen, so that it does not matter what time the kubelet has.
 */
export function nodeLifecycleController(context: ControllerContext): Controller {
  const { store, clock, record, options } = context;
  const { nodeGracePeriodMs } = options;
  const heardAt = new Map<string, number>();
  const greeted = new Set<string>();

  async function reconcile({ name: nodeName }: ObjectKey): Promise<number | undefined> {
    const node = store.get("nodes", "", nodeName);
    if (!node) {
      heardAt.delete(nodeName);
      greeted.delete(nodeName);
      return undefined;
    }
    if (!greeted.has(nodeName)) greet(node);
    const leftMs = graceLeftMs(nodeName);
    const isSilent = leftMs === 0;
    if (isSilent && readinessOf(node) !== "Unknown") await setReady(node, silentCondition);
    if (!isSilent && wasSilent(node)) await setReady(node, heardCondition);
    await taint(nodeName);
    await markPods(context, nodeName);
    return isSilent ? undefined : leftMs;
  }

  function greet(node: Stored<Node>): void {
    const nodeName = node.metadata.name;
    greeted.add(nodeName);
    const message = `Node ${nodeName} event: Registered Node ${nodeName} in Controller`;
    record(node, "Normal", "RegisteredNode", message, name);
  }

  /** Milliseconds until the node counts as silent. */
  function graceLeftMs(nodeName: string): number {
    const now = clock.now();
    const silenceMs = now - (heardAt.get(nodeName) ?? now);
    // A check that comes far too late tells that this process slept (a closed laptop), not that the node died.
    const isOurFault = silenceMs > 2 * nodeGracePeriodMs && !isKnownSilent(nodeName);
    if (!heardAt.has(nodeName) || isOurFault) heardAt.set(nodeName, now);
    return Math.max(0, (heardAt.get(nodeName) ?? now) + nodeGracePeriodMs - now);
  }

  function isKnownSilent(nodeName: string): boolean {
    const node = store.get("nodes", "", nodeName);
    return node !== undefined && readinessOf(node) === "Unknown";
  }

  async function setReady(node: Stored<Node>, condition: typeof silentCondition): Promise<void> {
    const isReady = condition.status === "True";
    await store.modify(
      "nodes",
      "",
      node.metadata.name,
      (draft) => {
        const conditions = withCondition(draft.status?.conditions, condition, clock.now());
        Object.assign(draft, { status: { ...draft.status, conditions } });
      },
      { subresource: "status", fieldManager: name },
    );
    const reason = isReady ? "NodeReady" : "NodeNotReady";
    record(node, "Normal", reason, `Node ${node.metadata.name} status is now: ${reason}`, name);
  }

  async function taint(nodeName: string): Promise<void> {
    await store.modify("nodes", "", nodeName, (draft) => {
      const taints = wantedTaints(draft, timestamp(clock.now()));
      if (taints === draft.spec?.taints || (taints.length === 0 && !draft.spec?.taints)) return false;
      draft.spec = { ...draft.spec, taints: [...taints] };
      return undefined;
    });
  }

  return {
    name,
    watches: [
      watchSelf("nodes"),
      watch("leases.coordination.k8s.io", ({ type, object, previous }) => {
        const { namespace, name: nodeName } = object.metadata;
        if (namespace !== "kube-node-lease" || type === "DELETED") return [];
        if (object.spec?.renewTime === previous?.spec?.renewTime) return [];
        heardAt.set(nodeName, clock.now());
        return [`/${nodeName}`];
      }),
    ],
    reconcile,
  };
}

const wasSilent = ({ status }: Node) => findCondition(status?.conditions, "Ready")?.reason === silentReason;

/** Pods of a node that is not ready serve nobody; when it is back they are as ready as their containers. */
async function markPods(context: ControllerContext, nodeName: string): Promise<void> {
  const { store } = context;
  const node = store.get("nodes", "", nodeName);
  const isReady = node !== undefined && readinessOf(node) === "True";
  const pods = store.list("pods").filter((pod) => pod.spec?.nodeName === nodeName && !isTerminated(pod));
  const isWrong = (pod: Pod) => {
    const ready = podCondition(pod, "Ready");
    return isReady ? ready?.reason === podReason : ready?.status === "True";
  };
  await Promise.all(pods.filter(isWrong).map((pod) => setPodReady(context, pod, isReady)));
}

async function setPodReady(
  { store, clock, record }: ControllerContext,
  pod: Stored<Pod>,
  isReady: boolean,
): Promise<void> {
  const { namespace = "", name: podName } = pod.metadata;
  const change = (draft: Pod) => {
    const isServing = isReady && podCondition(draft, "ContainersReady")?.status !== "False";
    const condition = isServing ? { status: "True" } : { status: "False", reason: podReason };
    const conditions = withCondition(draft.status?.conditions, { type: "Ready", ...condition }, clock.now());
    Object.assign(draft, { status: { ...draft.status, conditions } });
  };
  await store.modify("pods", namespace, podName, change, { subresource: "status", fieldManager: name });
  if (!isReady) record(pod, "Warning", podReason, "Node is not ready", name);
}
