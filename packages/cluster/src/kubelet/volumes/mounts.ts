/** A container's mounts: which of the pod's volumes it sees where. */
import { mkdir, stat } from "node:fs/promises";
import { isAbsolute, normalize } from "node:path";
import type { Container, VolumeMount } from "kubernetes-types/core/v1.js";
import { expand } from "../env/expand.ts";
import { ContainerError } from "../errors.ts";
import type { Mount } from "../isolation/types.ts";
import { exists, resolveBelow, safeRelativePath } from "./paths.ts";
import type { MountedVolume } from "./types.ts";

/** Sorted so that a mount comes after the one it lies in. Throws CreateContainerConfigError. */
export async function containerMounts(
  container: Container,
  volumes: readonly MountedVolume[],
  env: Readonly<Record<string, string>>,
): Promise<Mount[]> {
  const mounts: Mount[] = [];
  for (const mount of container.volumeMounts ?? []) mounts.push(await mountOf(mount, volumes, env));
  return mounts.sort((a, b) => a.mountPath.localeCompare(b.mountPath));
}

async function mountOf(
  mount: VolumeMount,
  volumes: readonly MountedVolume[],
  env: Readonly<Record<string, string>>,
): Promise<Mount> {
  const volume = volumes.find(({ name }) => name === mount.name);
  if (volume === undefined) {
    throw new ContainerError(
      "CreateContainerConfigError",
      `volumeMounts name ${mount.name} is not among the pod's volumes`,
    );
  }
  const mountPath = mountPathOf(mount.mountPath);
  const isReadOnly = volume.isReadOnly || (mount.readOnly ?? false);
  const subPath = mount.subPathExpr === undefined ? mount.subPath : expand(mount.subPathExpr, env);
  if (!subPath) return { hostPath: volume.hostPath, mountPath, isReadOnly, isFile: volume.isFile };
  const hostPath = await subPathOf(volume, subPath);
  return { hostPath, mountPath, isReadOnly, isFile: !(await stat(hostPath)).isDirectory() };
}

function mountPathOf(path: string): string {
  const absolute = normalize(isAbsolute(path) ? path : `/${path}`).replace(/(.)\/+$/, "$1");
  if (path.split("/").includes("..") || absolute === "/" || /[\0\n]/.test(path)) {
    throw new ContainerError(
      "CreateContainerConfigError",
      `invalid mount path '${path}': must be a path below / without '..'`,
    );
  }
  return absolute;
}

/**
 * A subPath that is not there is made as a folder, as Kubernetes does. The path is returned with its links: where a mount is made they are
 * followed once, so the container keeps what it was given, and without namespaces they go on leading to the newest content.
 */
async function subPathOf(volume: MountedVolume, subPath: string): Promise<string> {
  const place = `${volume.hostPath}/${safeRelativePath(subPath, "subPath")}`;
  if (!volume.isReadOnly && !(await exists(place))) await mkdir(place, { recursive: true });
  try {
    await resolveBelow(volume.hostPath, subPath, "subPath");
    return place;
  } catch (error) {
    if (error instanceof ContainerError) throw error;
    const message = `failed to prepare subPath for volumeMount "${volume.name}"`;
    throw new ContainerError("CreateContainerConfigError", message, { cause: error });
  }
}
