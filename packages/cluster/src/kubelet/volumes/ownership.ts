/** fsGroup: a volume's files belong to the pod's group, and new ones do too. */
import { chmod, lchown, lstat, readdir } from "node:fs/promises";
import { join } from "node:path";

const setgid = 0o2000;

/**
 * Gives what is below `folder` to the group, readable and writable. Only root may; for others nothing changes. `onMismatch` leaves a folder
 * that has the group already: Kubernetes' `OnRootMismatch`, which spares a large volume the walk at every start.
 */
export async function giveToGroup(
  folder: string,
  group: number | undefined,
  when: "always" | "onMismatch",
): Promise<void> {
  if (group === undefined || process.getuid?.() !== 0) return;
  const { gid, mode } = await lstat(folder);
  if (when === "onMismatch" && gid === group && (mode & setgid) !== 0) return;
  for (const entry of await readdir(folder, { recursive: true })) await give(join(folder, entry), group);
  await give(folder, group);
}

async function give(path: string, group: number): Promise<void> {
  const info = await lstat(path);
  await lchown(path, info.uid, group);
  if (info.isDirectory()) await chmod(path, (info.mode & 0o777) | 0o070 | setgid);
  else if (info.isFile()) await chmod(path, (info.mode & 0o777) | 0o060);
}
