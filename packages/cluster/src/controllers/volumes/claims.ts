/** Binds claims to volumes, and provisions a folder where there is no volume: Kubernetes' persistentvolume-binder. */
import type { PersistentVolumeClaim } from "kubernetes-types/core/v1.js";
import type { ControllerContext } from "../harness/context.ts";
import type { Controller } from "../harness/controller.ts";
import { isDeleting } from "../harness/owners.ts";
import { type ObjectKey, watch, watchAll, watchSelf } from "../harness/watch.ts";
import {
  bindCompleted,
  boundByController,
  type Claim,
  effectiveClass,
  findVolume,
  isBoundTo,
  newVolume,
  provisionedBy,
  setVolumePhase,
  type Volume,
  volumeNameOf,
} from "./binding.ts";
import { provisioner } from "./classes.ts";
import { folderOf, makeFolder } from "./folders.ts";

const name = "persistentvolume-binder";
const binder = "persistentvolume-controller";
const resource = "persistentvolumeclaims";

export function claimController(context: ControllerContext): Controller {
  const { store } = context;

  async function reconcile({ namespace, name: claimName }: ObjectKey): Promise<number | undefined> {
    const claim = store.get(resource, namespace, claimName);
    if (!claim || isDeleting(claim)) return undefined;
    if (claim.status?.phase === "Bound") return checkBound(context, claim);
    const found = findVolume(claim, store.list("persistentvolumes"));
    if (found && (isBoundTo(found, claim) || !found.spec?.claimRef)) return bind(context, claim, found);
    return claim.spec?.volumeName ? undefined : provision(context, claim);
  }

  return {
    name,
    watches: [
      watchSelf(resource),
      watchAll(resource, "storageclasses.storage.k8s.io"),
      watch("persistentvolumes", ({ object }, store) => {
        const claimed = object.spec?.claimRef;
        if (claimed) return [`${claimed.namespace}/${claimed.name}`];
        const pending = store.list(resource).filter(({ status }) => status?.phase !== "Bound");
        return pending.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
      }),
    ],
    reconcile,
    // One at a time: two claims must not be given the same free volume.
    concurrency: 1,
  };
}

/** A claim whose volume has been removed under it has lost its data, and says so. A grown request is granted: folders have no size. */
async function checkBound(context: ControllerContext, claim: Claim): Promise<undefined> {
  const volume = context.store.get("persistentvolumes", "", claim.spec?.volumeName ?? "");
  if (volume) return grow(context, claim, volume);
  await setStatus(context, claim, { phase: "Lost" });
  const message = "Bound claim has lost its PersistentVolume. Data on the volume is lost!";
  context.record(claim, "Warning", "ClaimLost", message, binder);
}

async function grow(context: ControllerContext, claim: Claim, volume: Volume): Promise<undefined> {
  const wanted = claim.spec?.resources?.requests?.storage;
  if (!wanted || wanted === claim.status?.capacity?.storage || !volume.metadata.annotations?.[provisionedBy]) return;
  await context.store.modify("persistentvolumes", "", volume.metadata.name, ({ spec }) => {
    spec!.capacity = { ...spec!.capacity, storage: wanted };
  });
  await setStatus(context, claim, { capacity: { storage: wanted } });
}

/** Ties volume and claim to each other, the volume first, so that a crash between leaves a volume that only this claim can take. */
async function bind(context: ControllerContext, claim: Claim, volume: Volume): Promise<undefined> {
  const { store } = context;
  const { namespace = "", name: claimName, uid } = claim.metadata;
  await store.modify("persistentvolumes", "", volume.metadata.name, ({ spec, metadata }) => {
    if (spec?.claimRef?.uid === uid) return false;
    metadata!.annotations = { ...metadata?.annotations, [boundByController]: "yes" };
    spec!.claimRef = { apiVersion: "v1", kind: "PersistentVolumeClaim", namespace, name: claimName, uid };
    return undefined;
  });
  await store.modify("persistentvolumes", "", volume.metadata.name, (draft) => setVolumePhase(draft, "Bound"), {
    subresource: "status",
  });
  await store.modify(resource, namespace, claimName, ({ metadata, spec }) => {
    metadata!.annotations = { ...metadata?.annotations, [bindCompleted]: "yes", [boundByController]: "yes" };
    spec!.volumeName = volume.metadata.name;
  });
  const { accessModes, capacity } = volume.spec ?? {};
  await setStatus(context, claim, { phase: "Bound", accessModes, capacity });
}

async function setStatus({ store }: ControllerContext, { metadata }: Claim, status: PersistentVolumeClaim["status"]) {
  await store.modify(
    resource,
    metadata.namespace ?? "",
    metadata.name,
    (draft) => void Object.assign(draft, { status: { ...draft.status, ...status } }),
    { subresource: "status", fieldManager: binder },
  );
}

/** Makes a volume for the claim, of the class that it names. */
async function provision(context: ControllerContext, claim: Claim): Promise<undefined> {
  const { store, record, options } = context;
  const classes = store.list("storageclasses.storage.k8s.io");
  const className = effectiveClass(claim, classes);
  if (className === "") return refuse(context, claim);
  const storageClass = classes.find(({ metadata }) => metadata.name === className);
  if (!storageClass) return refuseClass(context, claim, className);
  const path = folderOf(options.volumesDir, claim);
  const about = `${claim.metadata.namespace}/${claim.metadata.name}`;
  record(
    claim,
    "Normal",
    "Provisioning",
    `External provisioner is provisioning volume for claim "${about}"`,
    provisioner,
  );
  await makeFolder(path);
  const volume = newVolume(claim, className, storageClass.reclaimPolicy ?? "Delete", path);
  const created = await store.create("persistentvolumes", volume);
  await annotate(context, claim);
  record(
    claim,
    "Normal",
    "ProvisioningSucceeded",
    `Successfully provisioned volume ${volumeNameOf(claim)}`,
    provisioner,
  );
  return bind(context, claim, created);
}

/** The claim waits for its class: making the class, whatever its provisioner, is what binds it. */
async function refuseClass(context: ControllerContext, claim: Claim, className: string): Promise<undefined> {
  const message = `storageclass.storage.k8s.io ${JSON.stringify(className)} not found`;
  context.record(claim, "Warning", "ProvisioningFailed", message, binder);
  if (claim.status?.phase !== "Pending") await setStatus(context, claim, { phase: "Pending" });
}

async function annotate({ store }: ControllerContext, { metadata }: Claim) {
  await store.modify(resource, metadata.namespace ?? "", metadata.name, (draft) => {
    draft.metadata!.annotations = {
      ...draft.metadata?.annotations,
      "volume.beta.kubernetes.io/storage-provisioner": provisioner,
      "volume.kubernetes.io/storage-provisioner": provisioner,
    };
  });
}

async function refuse(context: ControllerContext, claim: Claim): Promise<undefined> {
  const message = "no persistent volumes available for this claim and no storage class is set";
  context.record(claim, "Normal", "FailedBinding", message, binder);
  if (claim.status?.phase !== "Pending") await setStatus(context, claim, { phase: "Pending" });
}
