import type { ReplicaSet } from "kubernetes-types/apps/v1.js";
import type { Pod } from "kubernetes-types/core/v1.js";
import type { LabelSelector } from "kubernetes-types/meta/v1.js";
import type { ApiObject, Stored } from "../../machinery/types.ts";
import { claimChildren } from "../harness/claims.ts";
import type { ControllerContext } from "../harness/context.ts";
import type { Controller } from "../harness/controller.ts";
import { isControlledBy, isDeleting } from "../harness/owners.ts";
import { podControl } from "../harness/pod-control.ts";
import { isActive, podFromTemplate } from "../harness/pods.ts";
import { type ObjectKey, watchOwned, watchSelected, watchSelf } from "../harness/watch.ts";
import { type Failure, nextAvailableMs, replicaSetStatus } from "./status.ts";
import { chooseVictims } from "./victims.ts";

/** Most pods that one reconcile creates or deletes, as in Kubernetes. */
const burst = 500;

/** The two kinds that keep a number of pods; they differ in how they name what they select. */
interface Variant {
  /** Kubernetes' name of the controller. */
  readonly name: string;
  readonly resource: "replicasets.apps" | "replicationcontrollers";
  readonly kind: string;
  readonly selectorOf: (spec: ApiObject | undefined) => LabelSelector | undefined;
}

/** Keeps a ReplicaSet's number of pods. */
export const replicaSetController = (context: ControllerContext): Controller =>
  replicaController(context, {
    name: "replicaset-controller",
    resource: "replicasets.apps",
    kind: "ReplicaSet",
    selectorOf: (spec) => spec?.selector,
  });

/** Keeps a ReplicationController's number of pods. */
export const replicationController = (context: ControllerContext): Controller =>
  replicaController(context, {
    name: "replication-controller",
    resource: "replicationcontrollers",
    kind: "ReplicationController",
    selectorOf: (spec) => spec?.selector && { matchLabels: spec.selector },
  });

function replicaController(context: ControllerContext, variant: Variant): Controller {
  const { name, resource, kind, selectorOf } = variant;
  const { store, clock } = context;
  const pods = podControl(context, name);

  async function reconcile({ namespace, name: setName }: ObjectKey): Promise<number | undefined> {
    const set = store.get(resource, namespace, setName) as Stored<ReplicaSet> | undefined;
    if (!set) return undefined;
    const owned = (await claimChildren(store, "pods", set, selectorOf(set.spec))) as Stored<Pod>[];
    const failed = isDeleting(set) ? undefined : await scale(set, owned.filter(isActive));
    const active = store.list("pods", { namespace }).filter((pod) => isControlledBy(pod, set) && isActive(pod));
    await writeStatus(set, active, failed?.failure);
    if (failed) throw failed.error;
    return nextAvailableMs(set, active, clock.now());
  }

  /** Makes as many pods as are wanted; returns what went wrong, if anything did. */
  async function scale(set: Stored<ReplicaSet>, active: readonly Stored<Pod>[]) {
    const missing = (set.spec?.replicas ?? 1) - active.length;
    const isGrowing = missing > 0;
    const work = isGrowing
      ? Array.from({ length: Math.min(missing, burst) }, () => pods.create(set, newPod(set)))
      : chooseVictims(active, Math.min(-missing, burst)).map((pod) => pods.remove(set, pod));
    const results = await Promise.allSettled(work);
    const rejected = results.find((result) => result.status === "rejected");
    if (!rejected) return undefined;
    const error = rejected.reason as Error;
    const failure: Failure = { reason: isGrowing ? "FailedCreate" : "FailedDelete", message: error.message };
    return { error, failure };
  }

  async function writeStatus(set: Stored<ReplicaSet>, active: readonly Stored<Pod>[], failure?: Failure) {
    const { namespace = "", name: setName } = set.metadata;
    const change = (draft: ApiObject) => {
      // Only what this reconcile has seen may be called observed.
      const seen = { ...draft, metadata: { ...draft.metadata, generation: set.metadata.generation } } as ReplicaSet;
      Object.assign(draft, { status: replicaSetStatus(seen, active, clock.now(), failure) });
    };
    await store.modify<string>(resource, namespace, setName, change, { subresource: "status", fieldManager: name });
  }

  return {
    name,
    watches: [
      watchSelf(resource),
      watchOwned("pods", kind),
      watchSelected(resource, ({ spec }) => selectorOf(spec), "pods"),
    ],
    reconcile,
  };
}

const newPod = (set: Stored<ReplicaSet>) =>
  podFromTemplate(set, set.spec?.template ?? {}, { generateName: `${set.metadata.name}-` });
