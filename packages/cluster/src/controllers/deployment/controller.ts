import type { Deployment } from "kubernetes-types/apps/v1.js";
import { isStatus } from "../../machinery/errors.ts";
import { jsonEqual } from "../../machinery/json.ts";
import type { Stored } from "../../machinery/types.ts";
import { claimChildren } from "../harness/claims.ts";
import type { ControllerContext } from "../harness/context.ts";
import type { Controller } from "../harness/controller.ts";
import { controllerOf, isControlledBy, isDeleting } from "../harness/owners.ts";
import { type ObjectKey, type Watch, watch, watchOwned, watchSelf } from "../harness/watch.ts";
import {
  desiredAnnotation,
  findNewSet,
  newSet as makeSet,
  nextRevision,
  type OwnedSet,
  replicasOf,
  revisionAnnotation,
  revisionOf,
  type SetAnnotations,
  setAnnotations,
  surplusSets,
} from "./replica-sets.ts";
import { bounds, planRollout, type Scaling } from "./rollout.ts";
import { type DeploymentSight, deadlineInMs, deploymentStatus } from "./status.ts";

const name = "deployment-controller";
const resource = "deployments.apps";
const setsResource = "replicasets.apps";

/** Rolls a Deployment's template out over its ReplicaSets. */
export function deploymentController(context: ControllerContext): Controller {
  const { store, clock } = context;

  async function reconcile({ namespace, name: deploymentName }: ObjectKey): Promise<number | undefined> {
    const deployment = store.get(resource, namespace, deploymentName);
    if (!deployment) return undefined;
    const claimed = (await claimChildren(store, setsResource, deployment, deployment.spec?.selector)) as OwnedSet[];
    const origin = isDeleting(deployment) ? "known" : await rollOut(context, deployment, claimed);
    const sets = store.list(setsResource, { namespace }).filter((set) => isControlledBy(set, deployment));
    const newSet = findNewSet(deployment, sets);
    if (newSet && !isDeleting(deployment)) await numberDeployment(context, deployment, newSet);
    const written = await writeStatus(context, deployment, { newSet, sets, origin, now: clock.now() });
    await trim(context, deployment, sets, newSet);
    return written && deadlineInMs(written, clock.now());
  }

  return { name, watches: [watchSelf(resource), watchOwned(setsResource, "Deployment"), watchLastPods], reconcile };
}

/** Recreate waits for the old pods to be gone; their ReplicaSet, scaled to 0, does not change when the last one goes. */
const watchLastPods: Watch = watch("pods", ({ type, object }, store) => {
  const owner = type === "DELETED" ? controllerOf(object) : undefined;
  if (owner?.kind !== "ReplicaSet") return [];
  const { namespace = "" } = object.metadata;
  const set = store.get(setsResource, namespace, owner.name);
  const deployment = set && controllerOf(set);
  return deployment ? [`${namespace}/${deployment.name}`] : [];
});

/** Makes sure that there is a new set and takes the next step; says how the new set came about. */
async function rollOut(context: ControllerContext, deployment: Stored<Deployment>, sets: readonly OwnedSet[]) {
  const { store } = context;
  const found = findNewSet(deployment, sets);
  const oldSets = sets.filter((set) => set !== found);
  const annotations = annotationsFor(deployment, oldSets);
  const isPaused = deployment.spec?.paused === true;
  const newSet = found
    ? await refresh(context, deployment, found, annotations)
    : isPaused
      ? undefined
      : await createSet();
  const { namespace = "" } = deployment.metadata;
  const oldUids = new Set(oldSets.map(({ metadata }) => metadata.uid));
  const hasOldPods = store.list("pods", { namespace }).some((pod) => oldUids.has(controllerOf(pod)?.uid ?? ""));
  await scale(context, deployment, planRollout({ deployment, newSet, oldSets, hasOldPods }), annotations);
  if (!found) return "created";
  return found !== newSet && revisionOf(found) !== (newSet ? revisionOf(newSet) : 0) ? "found" : "known";

  async function createSet(): Promise<OwnedSet> {
    const empty = makeSet(deployment, 0, annotations);
    try {
      return await store.create(setsResource, empty, { fieldManager: name });
    } catch (error) {
      if (isStatus(error, "AlreadyExists")) await countCollision(context, deployment);
      throw error;
    }
  }
}

const annotationsFor = (deployment: Stored<Deployment>, oldSets: readonly OwnedSet[]): SetAnnotations => ({
  revision: nextRevision(oldSets),
  desired: replicasOf(deployment),
  max: replicasOf(deployment) + bounds(deployment).surge,
});

/** Another template hashed to the same name: the next try hashes differently. */
async function countCollision({ store }: ControllerContext, { metadata }: Stored<Deployment>): Promise<void> {
  const change = (draft: Deployment) => {
    draft.status = { ...draft.status, collisionCount: (draft.status?.collisionCount ?? 0) + 1 };
  };
  await store.modify(resource, metadata.namespace ?? "", metadata.name, change, { subresource: "status" });
}

/** Brings the new set's number and settings up to date. Its desired-replicas stays: scaling compares with it. */
async function refresh(
  { store }: ControllerContext,
  deployment: Stored<Deployment>,
  set: OwnedSet,
  annotations: SetAnnotations,
): Promise<OwnedSet> {
  const { namespace = "", name: setName } = set.metadata;
  const desired = Number(set.metadata.annotations?.[desiredAnnotation] ?? annotations.desired);
  const wanted = setAnnotations(deployment, set.metadata.annotations ?? {}, { ...annotations, desired });
  const minReadySeconds = deployment.spec?.minReadySeconds ?? 0;
  if (jsonEqual(wanted, set.metadata.annotations) && (set.spec?.minReadySeconds ?? 0) === minReadySeconds) return set;
  const updated = await store.modify(setsResource, namespace, setName, ({ metadata, spec }) => {
    metadata!.annotations = wanted;
    spec!.minReadySeconds = minReadySeconds;
  });
  return updated ?? set;
}

async function scale(
  context: ControllerContext,
  deployment: Stored<Deployment>,
  scaling: Scaling,
  annotations: SetAnnotations,
) {
  for (const [set, replicas] of scaling) await scaleSet(context, deployment, set, replicas, annotations);
}

async function scaleSet(
  { store, record }: ControllerContext,
  deployment: Stored<Deployment>,
  set: OwnedSet,
  replicas: number,
  { desired, max }: SetAnnotations,
): Promise<void> {
  const before = replicasOf(set);
  await store.modify(setsResource, set.metadata.namespace ?? "", set.metadata.name, ({ metadata, spec }) => {
    const present = metadata?.annotations ?? {};
    const revision = Number(present[revisionAnnotation] ?? 0);
    metadata!.annotations = {
      ...present,
      ...onlyScale(setAnnotations(deployment, present, { revision, desired, max })),
    };
    spec!.replicas = replicas;
  });
  if (before === replicas) return;
  const direction = replicas > before ? "up" : "down";
  const message = `Scaled ${direction} replica set ${set.metadata.name} from ${before} to ${replicas}`;
  record(deployment, "Normal", "ScalingReplicaSet", message, name);
}

const onlyScale = (annotations: Record<string, string>) =>
  Object.fromEntries(Object.entries(annotations).filter(([key]) => key.endsWith("-replicas")));

/** The Deployment carries the number of its new set: what `kubectl rollout history` shows last. */
async function numberDeployment(
  { store }: ControllerContext,
  { metadata }: Stored<Deployment>,
  newSet: OwnedSet,
): Promise<void> {
  const revision = newSet.metadata.annotations?.[revisionAnnotation];
  if (!revision || metadata.annotations?.[revisionAnnotation] === revision) return;
  await store.modify(resource, metadata.namespace ?? "", metadata.name, (draft) => {
    draft.metadata!.annotations = { ...draft.metadata?.annotations, [revisionAnnotation]: revision };
  });
}

async function writeStatus(
  { store }: ControllerContext,
  deployment: Stored<Deployment>,
  sight: Omit<DeploymentSight, "deployment">,
) {
  const { namespace = "", name: deploymentName, generation } = deployment.metadata;
  const change = (draft: Deployment) => {
    const seen = { ...draft, spec: deployment.spec, metadata: { ...draft.metadata, generation } };
    draft.status = deploymentStatus({ ...sight, deployment: seen });
  };
  return store.modify(resource, namespace, deploymentName, change, { subresource: "status", fieldManager: name });
}

async function trim(
  { store }: ControllerContext,
  { spec, metadata }: Stored<Deployment>,
  sets: readonly OwnedSet[],
  newSet: OwnedSet | undefined,
) {
  const oldSets = sets.filter((set) => set !== newSet && !isDeleting(set));
  const surplus = surplusSets(oldSets, spec?.revisionHistoryLimit ?? 10);
  await Promise.all(surplus.map((set) => store.delete(setsResource, metadata.namespace ?? "", set.metadata.name)));
}
