import type { StatefulSet } from "kubernetes-types/apps/v1.js";
import type { Pod } from "kubernetes-types/core/v1.js";
import type { Stored } from "../../machinery/types.ts";
import { claimChildren } from "../harness/claims.ts";
import type { ControllerContext } from "../harness/context.ts";
import type { Controller } from "../harness/controller.ts";
import { keyOf, type ObjectKey, type Watch, watch, watchOwned, watchSelected, watchSelf } from "../harness/watch.ts";
import { listRevisions, syncRevision, trimHistory } from "../revisions/history.ts";
import { perform, type SetWithHistory } from "./actions.ts";
import { alignClaimOwners } from "./claims.ts";
import { ordinalOf, podNameOf, revisionOf } from "./identity.ts";
import { planStatefulSet, type Sight } from "./plan.ts";
import { statusOf } from "./status.ts";
import { createVacancies } from "./vacancies.ts";

const name = "statefulset-controller";
const resource = "statefulsets.apps";

type View = Sight & SetWithHistory;

/** Keeps a StatefulSet's pods and claims: one per ordinal, in order, of the right revision. */
export function statefulSetController(context: ControllerContext): Controller {
  const { store } = context;
  const vacancies = createVacancies(context.clock, context.options.vacancyMs);

  async function reconcile({ namespace, name }: ObjectKey): Promise<number | undefined> {
    const set = store.get(resource, namespace, name);
    if (!set) return undefined;
    const view = await look(context, set);
    const plan = planStatefulSet(view);
    for (const pod of view.pods) await alignClaimOwners(context, set, pod);
    const waits = plan.actions.map((action) =>
      action.do === "create" ? vacancies.closedForMs(namespace, podNameOf(set, action.ordinal)) : 0,
    );
    const actions = plan.actions.filter((_, n) => waits[n] === 0);
    const outcomes = await Promise.allSettled(actions.map((action) => perform(context, view, action)));
    await writeStatus(context, view);
    for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
    await trim(context, view);
    const again = [...waits.filter((ms) => ms > 0), ...(plan.againInMs === undefined ? [] : [plan.againInMs])];
    return again.length > 0 ? Math.min(...again) : undefined;
  }

  return {
    name,
    watches: [
      vacancies.watch,
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
