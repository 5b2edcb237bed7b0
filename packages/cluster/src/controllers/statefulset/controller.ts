import type { StatefulSet } from "kubernetes-types/apps/v1.js";
import type { Pod } from "kubernetes-types/core/v1.js";
import type { Stored } from "../../machinery/types.ts";
import { claimChildren } from "../harness/claims.ts";
import type { ControllerContext } from "../harness/context.ts";
import type { Controller } from "../harness/controller.ts";
import { keyOf, type ObjectKey, type Watch, watch, watchOwned, watchSelected, watchSelf } from "../harness/watch.ts";
import { listRevisions, syncRevision, trimHistory } from "../revisions/history.ts";
import { type Revision, templateOf } from "../revisions/revisions.ts";
import { alignClaimOwners, createClaims } from "./claims.ts";
import { newPod, ordinalOf, podIndexLabel, podNameLabel, podNameOf, revisionOf } from "./identity.ts";
import { type Action, planStatefulSet, type Sight } from "./plan.ts";
import { statusOf } from "./status.ts";

const name = "statefulset-controller";
const resource = "statefulsets.apps";

interface View extends Sight {
  readonly set: Stored<StatefulSet>;
  readonly revisions: readonly Revision[];
}

/** Keeps a StatefulSet's pods and claims: one per ordinal, in order, of the right revision. */
export function statefulSetController(context: ControllerContext): Controller {
  const { store } = context;

  async function reconcile({ namespace, name }: ObjectKey): Promise<number | undefined> {
    const set = store.get(resource, namespace, name);
    if (!set) return undefined;
    const view = await look(context, set);
    const plan = planStatefulSet(view);
    for (const pod of view.pods) await alignClaimOwners(context, set, pod);
    try {
      for (const action of plan.actions) await perform(context, view, action);
    } finally {
      await writeStatus(context, view);
    }
    await trim(context, view);
    return plan.againInMs;
  }

  return {
    name,
    watches: [
      watchSelf(resource),
      watchOwned("pods", "StatefulSet"),
      watchSelected(resource, ({ spec }) => spec.selector, "pods"),
      watchLostClaims,
    ],
    reconcile,
  };
}

/** A claim that is gone at last makes way for a new one. */
const watchLostClaims: Watch = watch("persistentvolumeclaims", ({ type, object }, store) =>
  type === "DELETED"
    ? store
        .list(resource, { namespace: object.metadata.namespace ?? "" })
        .filter(({ spec }) => spec?.volumeClaimTemplates?.length)
        .map(keyOf)
    : [],
);

async function look({ store, clock }: ControllerContext, set: Stored<StatefulSet>): Promise<View> {
  const { selector, template } = set.spec!;
  const isOurs = (pod: Pod) => ordinalOf(set, pod) !== undefined;
  const pods = (await claimChildren(store, "pods", set, selector, isOurs)) as Stored<Pod>[];
  const known = await listRevisions(store, set, selector);
  const update = await syncRevision(store, set, template, known);
  const revisions = [...known.filter(({ metadata }) => metadata.name !== update.metadata.name), update];
  const current = revisions.find(({ metadata }) => metadata.name === set.status?.currentRevision) ?? update;
  const names = { currentRevision: current.metadata.name, updateRevision: update.metadata.name };
  return { set, pods, revisions, ...names, now: clock.now() };
}

const performers: {
  readonly [V in Action["do"]]: (
    context: ControllerContext,
    view: View,
    action: Extract<Action, { do: V }>,
  ) => Promise<void>;
} = {
  create: createPod,
  delete: deletePod,
  "restore-claims": (context, { set }, { ordinal }) => createClaims(context, set, ordinal),
  "restore-labels": async ({ store }, _, { pod, ordinal }) => {
    await store.modify("pods", pod.metadata.namespace ?? "", pod.metadata.name, (draft) => {
      const identity = { [podNameLabel]: pod.metadata.name, [podIndexLabel]: String(ordinal) };
      draft.metadata!.labels = { ...draft.metadata?.labels, ...identity };
    });
  },
};

const perform = (context: ControllerContext, view: View, action: Action) =>
  (performers[action.do] as (context: ControllerContext, view: View, action: Action) => Promise<void>)(
    context,
    view,
    action,
  );

async function createPod(
  context: ControllerContext,
  view: View,
  { ordinal, revision }: Extract<Action, { do: "create" }>,
) {
  const { store, record } = context;
  const { set, revisions } = view;
  await createClaims(context, set, ordinal);
  const kept = revisions.find(({ metadata }) => metadata.name === revision);
  const template = kept ? templateOf(kept) : set.spec!.template;
  const about = `create Pod ${podNameOf(set, ordinal)} in StatefulSet ${set.metadata.name}`;
  try {
    await store.create("pods", newPod(set, template, ordinal, revision), { fieldManager: name });
    record(set, "Normal", "SuccessfulCreate", `${about} successful`, name);
  } catch (error) {
    record(set, "Warning", "FailedCreate", `${about} failed error: ${(error as Error).message}`, name);
    throw error;
  }
}

async function deletePod(context: ControllerContext, { set }: View, { pod, why }: Extract<Action, { do: "delete" }>) {
  const { store, record } = context;
  if (why === "ended") reportEnded(context, set, pod);
  const { namespace = "", name: podName, uid } = pod.metadata;
  await store.delete("pods", namespace, podName, { preconditions: { uid } });
  record(
    set,
    "Normal",
    "SuccessfulDelete",
    `delete Pod ${podName} in StatefulSet ${set.metadata.name} successful`,
    name,
  );
}

function reportEnded({ record }: ControllerContext, set: Stored<StatefulSet>, pod: Stored<Pod>) {
  const { namespace, name: setName } = set.metadata;
  const about = (how: string) => `StatefulSet ${namespace}/${setName} is recreating ${how} Pod ${pod.metadata.name}`;
  if (pod.status?.phase === "Failed") record(set, "Warning", "RecreatingFailedPod", about("failed"), name);
  else record(set, "Normal", "RecreatingTerminatedPod", about("terminated"), name);
}

/** Writes the status that the actions led to. */
async function writeStatus({ store, clock }: ControllerContext, view: View) {
  const { namespace = "", name: setName, uid } = view.set.metadata;
  const pods = store
    .list("pods", { namespace })
    .filter(({ metadata }) => metadata.ownerReferences?.some((owner) => owner.controller && owner.uid === uid));
  await store.modify(
    resource,
    namespace,
    setName,
    (draft) => {
      if (draft.metadata?.uid !== uid) return false;
      const seen = {
        ...view,
        set: { ...draft, metadata: { ...draft.metadata, generation: view.set.metadata.generation } },
      };
      draft.status = statusOf({ ...seen, pods, now: clock.now() });
      return undefined;
    },
    { subresource: "status", fieldManager: name },
  );
}

async function trim({ store }: ControllerContext, { set, pods, revisions, currentRevision, updateRevision }: View) {
  const inUse = new Set([currentRevision, updateRevision, ...pods.map((pod) => revisionOf(pod) ?? "")]);
  await trimHistory(store, revisions, set.spec?.revisionHistoryLimit ?? 10, inUse);
}
