/** What becomes of a volume whose claim is gone. */
import type { ControllerContext } from "../harness/context.ts";
import type { Controller } from "../harness/controller.ts";
import { isDeleting } from "../harness/owners.ts";
import { type ObjectKey, watch, watchSelf } from "../harness/watch.ts";
import { provisionedBy, setVolumePhase, type Volume } from "./binding.ts";
import { placeOf, removeFolder } from "./folders.ts";

const name = "persistentvolume-controller";
const resource = "persistentvolumes";
const protection = "kubernetes.io/pv-protection";

export type Fate = "keep" | "available" | "release" | "remove" | "unprotect";

/** Decides by the volume and whether the claim that it names still exists. */
export function decideFate(volume: Volume, claimExists: boolean): Fate {
  const isHeld = volume.spec?.claimRef?.uid !== undefined && claimExists;
  if (isHeld) return "keep";
  if (isDeleting(volume)) return volume.metadata.finalizers?.includes(protection) ? "unprotect" : "keep";
  if (!volume.spec?.claimRef?.uid) return volume.status?.phase === "Available" ? "keep" : "available";
  if (volume.spec.persistentVolumeReclaimPolicy === "Delete") return "remove";
  return volume.status?.phase === "Released" ? "keep" : "release";
}

export function volumeController(context: ControllerContext): Controller {
  const { store, options } = context;

  const setPhase = (volume: Volume, phase: string) =>
    store.modify(resource, "", volume.metadata.name, (draft) => setVolumePhase(draft, phase), {
      subresource: "status",
      fieldManager: name,
    });

  const unprotect = (volume: Volume) =>
    store.modify(resource, "", volume.metadata.name, ({ metadata }) => {
      metadata!.finalizers = metadata?.finalizers?.filter((finalizer) => finalizer !== protection);
    });

  const fates: Readonly<Record<Fate, (volume: Volume) => Promise<unknown>>> = {
    keep: async () => undefined,
    available: (volume) => setPhase(volume, "Available"),
    release: (volume) => setPhase(volume, "Released"),
    unprotect,
    /** Data first: a crash between leaves a volume without data, which is removed again, never data without a volume. */
    async remove(volume) {
      const path = placeOf(options.volumesDir, volume);
      if (path && volume.metadata.annotations?.[provisionedBy]) await removeFolder(options.volumesDir, path);
      await store.delete(resource, "", volume.metadata.name);
    },
  };

  async function reconcile({ name: volumeName }: ObjectKey): Promise<undefined> {
    const volume = store.get(resource, "", volumeName);
    if (!volume) return undefined;
    const { namespace = "", name: claimName = "", uid } = volume.spec?.claimRef ?? {};
    const claim = store.get("persistentvolumeclaims", namespace, claimName);
    await fates[decideFate(volume, claim?.metadata.uid === uid)](volume);
    return undefined;
  }

  return {
    name,
    watches: [
      watchSelf(resource),
      watch("persistentvolumeclaims", ({ type, object }) =>
        type === "DELETED" && object.spec?.volumeName ? [`/${object.spec.volumeName}`] : [],
      ),
    ],
    reconcile,
  };
}
