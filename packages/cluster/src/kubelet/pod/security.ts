/** The user that a container's processes run as. Pure but for looking at the modes of folders. */
import { statSync } from "node:fs";
import { basename, dirname } from "node:path";
import type { Container, Pod } from "kubernetes-types/core/v1.js";
import { ContainerError } from "../errors.ts";
import type { Program } from "../images/types.ts";
import { mapPaths } from "../isolation/plain.ts";
import type { ContainerSpec, ProcessUser } from "../isolation/types.ts";

/**
 * What the security contexts ask for; undefined when they ask for nothing.
 * @throws ContainerError CreateContainerConfigError where `runAsNonRoot` meets root
 */
export function wantedUser(pod: Pod, container: Container, program: Program): ProcessUser | undefined {
  const [ofPod, own] = [pod.spec?.securityContext ?? {}, container.securityContext ?? {}];
  const uid = own.runAsUser ?? ofPod.runAsUser;
  const gid = own.runAsGroup ?? ofPod.runAsGroup;
  if (own.runAsNonRoot ?? ofPod.runAsNonRoot) refuseRoot(pod, container, uid, program.user);
  const groups = [...(ofPod.supplementalGroups ?? []), ...(ofPod.fsGroup === undefined ? [] : [ofPod.fsGroup])];
  if (uid === undefined && gid === undefined && groups.length === 0) return undefined;
  // The primary group is among them, as container runtimes have it since CVE-2022-36109.
  return { uid: uid ?? 0, gid: gid ?? 0, groups: [...new Set([gid ?? 0, ...groups])] };
}

function refuseRoot(
  { metadata }: Pod,
  container: Container,
  uid: number | undefined,
  imageUser: number | undefined,
): void {
  const where = `(pod: "${metadata?.name}_${metadata?.namespace}(${metadata?.uid})", container: ${container.name})`;
  if (uid === 0) {
    const message = `container's runAsUser breaks non-root policy ${where}`;
    throw new ContainerError("CreateContainerConfigError", message);
  }
  if (uid === undefined && imageUser === 0) {
    const message = `container has runAsNonRoot and image will run as root ${where}`;
    throw new ContainerError("CreateContainerConfigError", message);
  }
}

/**
 * The container as that user's; undefined when the user could not get at the program, as in a checkout below /root: then it had better run
 * as root than not at all. The cluster's own folder is closed to others, so what the container needs of it is shown at another place.
 */
export function asUser(spec: ContainerSpec, user: ProcessUser, clusterDir: string): ContainerSpec | undefined {
  const isOurs = (path: string): boolean => path.startsWith(`${clusterDir}/`);
  const ours = [...spec.hostDirs, ...spec.mounts.map(({ mountPath }) => mountPath)].filter(isOurs);
  if (!spec.hostDirs.every((path) => isOurs(path) || isOpenToAll(path))) return undefined;
  const shown = ours.map((path) => ({
    hostPath: path,
    mountPath: `/run/coracle/${basename(path)}`,
    isReadOnly: true,
    isFile: false,
  }));
  const moves = shown.map((mount) => ({ ...mount, mountPath: mount.hostPath, hostPath: mount.mountPath }));
  const moved = Object.entries(spec.env).map(([name, value]) => [name, mapPaths(value, moves)] as const);
  return {
    ...spec,
    user,
    env: { ...Object.fromEntries(moved), ...(user.uid !== 0 && spec.env.HOME === process.env.HOME && { HOME: "/" }) },
    hostDirs: spec.hostDirs.filter((path) => !isOurs(path)),
    mounts: [...spec.mounts.filter(({ mountPath }) => !isOurs(mountPath)), ...shown],
  };
}

function isOpenToAll(path: string): boolean {
  const mode = statSync(path, { throwIfNoEntry: false })?.mode ?? 0;
  return (mode & 0o001) !== 0 && (path === "/" || isOpenToAll(dirname(path)));
}
