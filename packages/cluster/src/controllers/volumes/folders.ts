import { chmod, mkdir, rm } from "node:fs/promises";
import { basename, join, resolve, sep } from "node:path";
import type { PersistentVolume } from "kubernetes-types/core/v1.js";
import { StatusError } from "../../machinery/errors.ts";
import { type Claim, provisionedBy, volumeNameOf } from "./binding.ts";
import { provisioner } from "./classes.ts";

/** The folder of a claim's volume. It tells whose it is to somebody who looks at the disk. */
export const folderOf = (volumesDir: string, claim: Claim) =>
  join(volumesDir, `${volumeNameOf(claim)}_${claim.metadata.namespace}_${claim.metadata.name}`);

/**
 * Where a volume's data lies now: those of ours move with the cluster's folder, although their objects, which must not change, name the
 * place where they were made.
 */
export function placeOf(volumesDir: string, { metadata, spec }: PersistentVolume): string | undefined {
  const path = spec?.hostPath?.path ?? spec?.local?.path;
  const isOurs = metadata?.annotations?.[provisionedBy] === provisioner;
  return path !== undefined && isOurs ? join(volumesDir, basename(path)) : path;
}

/** Anybody may write in it: which user a pod's processes have is the pod's choice. */
export async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true });
  await chmod(path, 0o777);
}

/** Removes a provisioned volume's data. Refuses a folder that is not one of ours, whatever the PersistentVolume says. */
export async function removeFolder(volumesDir: string, path: string): Promise<void> {
  const target = resolve(path);
  if (!target.startsWith(resolve(volumesDir) + sep))
    throw new StatusError("Forbidden", `${path} is not under ${volumesDir}; remove it by hand`);
  await rm(target, { recursive: true, force: true });
}
