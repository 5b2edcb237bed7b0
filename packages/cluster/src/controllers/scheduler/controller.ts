import type { Node, Pod } from "kubernetes-types/core/v1.js";
import { jsonEqual } from "../../machinery/json.ts";
import type { ApiStore } from "../../machinery/store.ts";
import type { Change, Stored } from "../../machinery/types.ts";
import type { ControllerContext } from "../harness/context.ts";
import type { Controller } from "../harness/controller.ts";
import { isDeleting } from "../harness/owners.ts";
import { isTerminated } from "../harness/pods.ts";
import { keyOf, type ObjectKey, watch } from "../harness/watch.ts";
import { bindPod, setScheduled } from "./bind.ts";
import { decideNode } from "./decide.ts";
import type { ClaimView, ClusterView } from "./view.ts";

const name = "default-scheduler";

const isWaiting = (pod: Pod) =>
  !pod.spec?.nodeName &&
  !isDeleting(pod) &&
  !isTerminated(pod) &&
  !pod.spec?.schedulingGates?.length &&
  (pod.spec?.schedulerName ?? name) === name;

/** Binds pending pods to nodes. */
export function schedulerController(context: ControllerContext): Controller {
  const { store, record } = context;
  /** Where pods go whose binding is being written: decisions made meanwhile must count them. */
  const assumed = new Map<string, string>();

  async function reconcile({ namespace, name: podName }: ObjectKey): Promise<number | undefined> {
    const pod = store.get("pods", namespace, podName);
    if (!pod || !isWaiting(pod)) return undefined;
    const decision = decideNode(pod, viewFor(store, pod, assumed));
    if ("waitsFor" in decision) return undefined;
    if ("message" in decision) return refuse(context, pod, decision.message);
    assumed.set(pod.metadata.uid, decision.node);
    try {
      await bindPod(context, pod, decision.node);
    } finally {
      assumed.delete(pod.metadata.uid);
    }
    record(pod, "Normal", "Scheduled", `Successfully assigned ${namespace}/${podName} to ${decision.node}`, name);
    return undefined;
  }

  return {
    name,
    watches: [
      watch("pods", ({ type, object, previous }, store) => {
        if (isWaiting(object)) return type === "DELETED" || isStatusOnly(object, previous) ? [] : [keyOf(object)];
        return freesRoom(type, object, previous) ? waitingPods(store) : [];
      }),
      watch("nodes", (change, store) => (mattersToPods(change) ? waitingPods(store) : [])),
      watch("persistentvolumeclaims", ({ object }, store) => waitingPods(store, object.metadata.namespace)),
    ],
    reconcile,
  };
}

const waitingPods = (store: ApiStore, namespace?: string) =>
  store
    .list("pods", namespace ? { namespace } : {})
    .filter(isWaiting)
    .map(keyOf);

/** The scheduler's own note on the pod must not make it try again. */
const isStatusOnly = (pod: Pod, previous: Pod | undefined) =>
  previous !== undefined &&
  jsonEqual(pod.spec, previous.spec) &&
  jsonEqual(pod.metadata?.labels, previous.metadata?.labels);

const freesRoom = (type: string, pod: Pod, previous: Pod | undefined) =>
  type === "DELETED" || (isTerminated(pod) && previous !== undefined && !isTerminated(previous));

/** Heartbeats do not. */
const mattersToPods = ({ type, object, previous }: Change<Node>) =>
  type !== "MODIFIED" ||
  !jsonEqual(object.spec, previous?.spec) ||
  !jsonEqual(object.metadata.labels, previous?.metadata.labels) ||
  !jsonEqual(object.status?.allocatable, previous?.status?.allocatable);

function viewFor(store: ApiStore, pod: Stored<Pod>, assumed: ReadonlyMap<string, string>): ClusterView {
  const byNode = new Map<string, Pod[]>();
  for (const other of store.list("pods")) {
    const place = other.spec?.nodeName || assumed.get(other.metadata.uid);
    if (!place || isTerminated(other)) continue;
    const pods = byNode.get(place);
    if (pods) pods.push(other);
    else byNode.set(place, [other]);
  }
  const nodes = store.list("nodes").map((node) => ({ node, pods: byNode.get(node.metadata.name) ?? [] }));
  return { nodes, claims: claimsOf(store, pod) };
}

function claimsOf(store: ApiStore, { metadata, spec }: Stored<Pod>): ClaimView[] {
  const names = (spec?.volumes ?? []).map((volume) =>
    volume.ephemeral ? `${metadata.name}-${volume.name}` : volume.persistentVolumeClaim?.claimName,
  );
  return names
    .filter((claimName) => claimName !== undefined)
    .map((claimName) => {
      const claim = store.get("persistentvolumeclaims", metadata.namespace ?? "", claimName);
      const volume = claim?.spec?.volumeName ? store.get("persistentvolumes", "", claim.spec.volumeName) : undefined;
      return { name: claimName, claim, volume };
    });
}

async function refuse(context: ControllerContext, pod: Stored<Pod>, message: string): Promise<undefined> {
  context.record(pod, "Warning", "FailedScheduling", message, name);
  await setScheduled(context, pod, { status: "False", reason: "Unschedulable", message });
}
