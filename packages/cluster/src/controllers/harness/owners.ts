import type { ObjectMeta, OwnerReference } from "kubernetes-types/meta/v1.js";
import type { Stored } from "../../machinery/types.ts";

interface WithMetadata {
  readonly metadata?: ObjectMeta;
}

/** The reference that a controlled object carries to its controller. */
export const controllerReference = ({ apiVersion, kind, metadata }: Stored<WithMetadata>): OwnerReference => ({
  apiVersion,
  kind,
  name: metadata.name,
  uid: metadata.uid,
  controller: true,
  blockOwnerDeletion: true,
});

/** The owner that controls the object; there is at most one. */
export const controllerOf = ({ metadata }: WithMetadata): OwnerReference | undefined =>
  metadata?.ownerReferences?.find(({ controller }) => controller);

export const isControlledBy = (child: WithMetadata, owner: Stored<WithMetadata>) =>
  controllerOf(child)?.uid === owner.metadata.uid;

export const isDeleting = ({ metadata }: WithMetadata) => metadata?.deletionTimestamp !== undefined;
