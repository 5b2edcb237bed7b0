import { chmod, mkdir, rm } from "node:fs/promises";
import { join, resolve, sep } from "node:path";
import { StatusError } from "../../machinery/errors.ts";
import { type Claim, volumeNameOf } from "./binding.ts";

/** The folder of a claim's volume. It tells whose it is to somebody who looks at the disk. */
export const folderOf = (volumesDir: string, claim: Claim) =>
  join(volumesDir, `${volumeNameOf(claim)}_${claim.metadata.namespace}_${claim.metadata.name}`);

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
