/** Makes a pod's volumes on the host, and keeps those from the API up to date. */
import { chmod, mkdir, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { HostPathVolumeSource, Pod, Volume } from "kubernetes-types/core/v1.js";
import { ContainerError, messageOf } from "../errors.ts";
import { writeAtomically } from "./atomic-writer.ts";
import { giveToGroup } from "./ownership.ts";
import { safeRelativePath } from "./paths.ts";
import { project } from "./projections.ts";
import type { MountedVolume, VolumeContext } from "./types.ts";

export interface PodVolumes {
  readonly volumes: readonly MountedVolume[];
  /** When tokens are due; Infinity when the pod has none. */
  readonly refreshAt: number;
}

/**
 * Makes or updates every volume of the pod below `folder`. Throws FailedMount with Kubernetes' wording. Bytes in folders that are already
 * there are never touched, so a restart of the cluster finds an emptyDir as it was.
 */
export async function mountVolumes(folder: string, context: VolumeContext): Promise<PodVolumes> {
  const volumes: MountedVolume[] = [];
  let refreshAt = Number.POSITIVE_INFINITY;
  for (const volume of context.pod.spec?.volumes ?? []) {
    const made = await mountVolume(join(folder, safeRelativePath(volume.name, "volume name")), volume, context);
    volumes.push(made.volume);
    refreshAt = Math.min(refreshAt, made.refreshAt);
  }
  return { volumes, refreshAt };
}

interface Made {
  readonly volume: MountedVolume;
  readonly refreshAt: number;
}

async function mountVolume(place: string, volume: Volume, context: VolumeContext): Promise<Made> {
  try {
    return await makeVolume(place, volume, context);
  } catch (error) {
    const message = `MountVolume.SetUp failed for volume "${volume.name}" : ${messageOf(error)}`;
    throw new ContainerError("FailedMount", message, { cause: error });
  }
}

async function makeVolume(place: string, volume: Volume, context: VolumeContext): Promise<Made> {
  const { name, persistentVolumeClaim: claim, hostPath, emptyDir } = volume;
  const projection = await project(volume, context);
  const fsGroup = context.pod.spec?.securityContext?.fsGroup;
  if (projection !== undefined) {
    if (await writeAtomically(place, projection.files)) await giveToGroup(place, fsGroup, "always");
    return { volume: { name, hostPath: place, isFile: false, isReadOnly: true }, refreshAt: projection.refreshAt };
  }
  const refreshAt = Number.POSITIVE_INFINITY;
  if (hostPath) {
    const isFile = await prepareHostPath(hostPath);
    return { volume: { name, hostPath: hostPath.path, isFile, isReadOnly: false }, refreshAt };
  }
  if (claim) {
    const path = claimPath(context, claim.claimName);
    await makeForAll(path);
    if (path.startsWith(`${context.sources.clusterDir}/`)) await giveToGroup(path, fsGroup, "onMismatch");
    return { volume: { name, hostPath: path, isFile: false, isReadOnly: claim.readOnly ?? false }, refreshAt };
  }
  if (emptyDir === undefined && Object.keys(volume).length > 1) {
    const kind = Object.keys(volume).find((key) => key !== "name");
    throw new ContainerError("FailedMount", `volumes of kind ${kind} are not supported on this cluster`);
  }
  await makeForAll(place);
  await giveToGroup(place, fsGroup, "onMismatch");
  return { volume: { name, hostPath: place, isFile: false, isReadOnly: false }, refreshAt };
}

/** A new folder is open to every user, as containers may run as any; the cluster's own folder around it is not. */
async function makeForAll(path: string): Promise<void> {
  const made = await mkdir(path, { recursive: true });
  if (made !== undefined) await chmod(path, 0o777);
}

function claimPath({ pod, sources }: VolumeContext, claimName: string): string {
  const claim = sources.claim(pod.metadata?.namespace ?? "", claimName);
  if (claim === undefined) throw new ContainerError("FailedMount", `persistentvolumeclaim "${claimName}" not found`);
  const volume = claim.spec?.volumeName ? sources.volume(claim.spec.volumeName) : undefined;
  if (volume === undefined) throw new ContainerError("FailedMount", `PVC ${claimName} is not bound`);
  const path = sources.placeOf(volume);
  if (!path)
    throw new ContainerError("FailedMount", `PersistentVolume ${volume.metadata?.name} is neither hostPath nor local`);
  return path;
}

type HostPathCheck = (path: string) => Promise<boolean>;

const isDirectory: HostPathCheck = async (path) => (await stat(path)).isDirectory();

/** hostPath types, each saying what it makes or demands; the result is whether the path is something else than a folder. */
const hostPathTypes: Readonly<Record<string, HostPathCheck>> = {
  "": async (path) => {
    await mkdir(path, { recursive: true }).catch(() => undefined);
    return !(await isDirectory(path));
  },
  DirectoryOrCreate: async (path) => {
    await mkdir(path, { recursive: true });
    return false;
  },
  Directory: async (path) => {
    if (await isDirectory(path)) return false;
    throw new ContainerError("FailedMount", `hostPath type check failed: ${path} is not a directory`);
  },
  FileOrCreate: async (path) => {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, "", { flag: "a" });
    return true;
  },
  File: async (path) => {
    if ((await stat(path)).isFile()) return true;
    throw new ContainerError("FailedMount", `hostPath type check failed: ${path} is not a file`);
  },
};

const prepareHostPath = async ({ path, type = "" }: HostPathVolumeSource): Promise<boolean> =>
  (hostPathTypes[type] ?? (async (other) => !(await isDirectory(other))))(path);

/** Which config maps and secrets the pod's volumes come from, as `ConfigMap/name` and `Secret/name`. */
export function volumeReferences(pod: Pod): ReadonlySet<string> {
  const found = new Set<string>();
  for (const { configMap, secret, projected } of pod.spec?.volumes ?? []) {
    if (configMap) found.add(`ConfigMap/${configMap.name}`);
    if (secret) found.add(`Secret/${secret.secretName}`);
    for (const source of projected?.sources ?? []) {
      if (source.configMap) found.add(`ConfigMap/${source.configMap.name}`);
      if (source.secret) found.add(`Secret/${source.secret.name}`);
    }
  }
  return found;
}
