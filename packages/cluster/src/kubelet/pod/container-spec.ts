/** Puts together what starting a container takes. */
import { mkdir, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Container, Pod } from "kubernetes-types/core/v1.js";
import { containerEnvironment } from "../env/environment.ts";
import { expand } from "../env/expand.ts";
import { ContainerError } from "../errors.ts";
import { environmentSources, type Host } from "../host.ts";
import { commandLine, resolveImage } from "../images/resolve.ts";
import type { Program } from "../images/types.ts";
import type { ContainerSpec, Mount } from "../isolation/types.ts";
import { heapOption, memoryLimitOf } from "../limits.ts";
import { containerMark } from "../process/proc.ts";
import { containerMounts } from "../volumes/mounts.ts";
import type { MountedVolume } from "../volumes/types.ts";
import { hostnameOf } from "./etc-files.ts";
import type { ContainerFolder, PodFolder } from "./folders.ts";
import { asUser, wantedUser } from "./security.ts";
import { serviceAccountPath } from "./service-account.ts";

export interface SpecContext {
  readonly host: Host;
  readonly pod: Pod;
  readonly podIP: string;
  readonly volumes: readonly MountedVolume[];
  readonly podFolder: PodFolder;
  readonly folder: ContainerFolder;
  readonly containerID: string;
}

/** The preload is a file of this package, and Node programs run by the same Node. */
const ownCode = [fileURLToPath(new URL("../../..", import.meta.url)), dirname(process.execPath)];

const homeOf = (): string => process.env.HOME ?? "/";

/** Throws ContainerError: ErrImagePull, CreateContainerConfigError. */
export async function containerSpec(container: Container, context: SpecContext): Promise<ContainerSpec> {
  const { host, pod, podIP, volumes } = context;
  const { program, path } = resolveFor(container, host);
  const addresses = { podIP, hostIP: host.hostIP(pod) };
  const sources = environmentSources(host.options, pod.metadata?.namespace ?? "");
  const declared = containerEnvironment(pod, container, addresses, sources);
  const env: Record<string, string> = {
    PATH: path,
    HOME: homeOf(),
    HOSTNAME: hostnameOf(pod),
    ...(container.tty && { TERM: "xterm" }),
    ...program.env,
    ...declared,
    [containerMark]: context.containerID,
  };
  Object.assign(env, withPreload(env, host.options.preload?.environment(podIP, pod) ?? {}));
  const heap = heapOption(memoryLimitOf(pod, container.name), env.NODE_OPTIONS ?? "");
  if (heap) env.NODE_OPTIONS = [env.NODE_OPTIONS, heap].filter(Boolean).join(" ");
  const mounts = await withOwnDirs(await containerMounts(container, volumes, env), program, context);
  Object.assign(env, await accountVariables(mounts, env, context));
  const spec: ContainerSpec = {
    hostname: hostnameOf(pod),
    command: commandLine(container, program).map((word) => expand(word, env)),
    env,
    workingDir: container.workingDir || program.workingDir || "/",
    mounts: [...mounts, ...(await ownMounts(container, mounts, context)), ...liveMount(host)],
    hostDirs: await existing([...(program.hostDirs ?? []), ...ownCode]),
    isRootReadOnly: container.securityContext?.readOnlyRootFilesystem ?? false,
    hasTty: container.tty ?? false,
  };
  const user = wantedUser(pod, container, program);
  if (user === undefined || !host.isolation.mayChangeUser) return spec;
  return asUser(spec, user, host.options.dir) ?? spec;
}

function resolveFor({ image = "", imagePullPolicy }: Container, host: Host) {
  try {
    return resolveImage(image, host.images);
  } catch (error) {
    if (imagePullPolicy !== "Never" || !(error instanceof ContainerError)) throw error;
    throw new ContainerError(
      "ErrImageNeverPull",
      `Container image "${image}" is not present with pull policy of Never`,
      { cause: error },
    );
  }
}

/** Options for Node add up; everything else of the preload is set unless the container sets it. */
function withPreload(
  env: Readonly<Record<string, string>>,
  preload: Readonly<Record<string, string>>,
): Record<string, string> {
  const { NODE_OPTIONS: own = "", ...rest } = preload;
  const options = [own, env.NODE_OPTIONS ?? ""].filter(Boolean).join(" ");
  return { ...rest, ...env, ...(options && { NODE_OPTIONS: options }) };
}

/** /etc/hosts and its like, unless the container mounts something there itself. */
async function ownMounts(container: Container, mounts: readonly Mount[], context: SpecContext): Promise<Mount[]> {
  const { podFolder, folder, host } = context;
  await writeFile(folder.terminationMessage, "");
  const messagePath = container.terminationMessagePath || "/dev/termination-log";
  const places: Record<string, string> = { [messagePath]: folder.terminationMessage };
  if (host.isolation.level === "namespaces") {
    for (const name of ["hosts", "resolv.conf", "hostname"]) places[`/etc/${name}`] = podFolder.etc(name);
  }
  return Object.entries(places)
    .filter(([mountPath]) => mounts.every((each) => each.mountPath !== mountPath))
    .map(([mountPath, hostPath]) => ({ hostPath, mountPath, isReadOnly: false, isFile: true }));
}

/** The folders that the image brings, empty, behind what the container mounts there. */
async function withOwnDirs(mounts: readonly Mount[], program: Program, { folder }: SpecContext): Promise<Mount[]> {
  const free = (program.ownDirs ?? []).filter((path) => mounts.every(({ mountPath }) => mountPath !== path));
  const own = free.map((path) => ({ hostPath: folder.own(path), mountPath: path, isReadOnly: false, isFile: false }));
  for (const { hostPath } of own) {
    await rm(hostPath, { recursive: true, force: true });
    await mkdir(hostPath, { recursive: true });
  }
  return [...own, ...mounts].sort((a, b) => a.mountPath.localeCompare(b.mountPath));
}

/** A mount, because what changes below an overlay need not show through it. */
function liveMount({ options }: Host): Mount[] {
  const dir = options.preload?.liveDir;
  return dir === undefined ? [] : [{ hostPath: dir, mountPath: dir, isReadOnly: true, isFile: false }];
}

/**
 * Without a private root the token can't be at its usual path, so a kubeconfig tells where it is, as it does for kubectl. Programs that
 * take a kubeconfig need to know nothing of this cluster.
 */
async function accountVariables(
  mounts: readonly Mount[],
  env: Readonly<Record<string, string>>,
  { host, pod, folder }: SpecContext,
): Promise<Record<string, string>> {
  const place = mounts.find(({ mountPath }) => mountPath === serviceAccountPath)?.hostPath;
  if (host.isolation.level === "namespaces" || place === undefined || env.KUBECONFIG !== undefined) return {};
  const { host: address, port } = host.options.apiServer;
  const kubeconfig = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      {
        name: "cluster",
        cluster: { server: `https://${address}:${port}`, "certificate-authority": join(place, "ca.crt") },
      },
    ],
    users: [{ name: "pod", user: { tokenFile: join(place, "token") } }],
    contexts: [{ name: "pod", context: { cluster: "cluster", user: "pod", namespace: pod.metadata?.namespace } }],
    "current-context": "pod",
  };
  const path = join(folder.path, "kubeconfig");
  await writeFile(path, JSON.stringify(kubeconfig, null, 2), { mode: 0o600 });
  return { KUBECONFIG: path };
}

async function existing(paths: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const path of new Set(paths)) {
    const isFolder = await stat(path).then(
      (each) => each.isDirectory(),
      () => false,
    );
    if (isFolder) found.push(path);
  }
  return found;
}
