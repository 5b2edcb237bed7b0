/** Isolation without the kernel's help: mount paths are translated in every text that the container is given. */
import { existsSync, readlinkSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { enterArgs, shimArgs, shimScript } from "./shim.ts";
import type { ContainerSpec, Isolation, Mount } from "./types.ts";

export const plainIsolation: Isolation = {
  level: "plain",
  mayChangeUser: false,
  async launch(spec, folder) {
    const cwd = `${folder}/root`;
    await mkdir(cwd, { recursive: true });
    const args = shimArgs(workingDirOf(spec, cwd), spec.hasTty, mapAll(spec.command, placesOf(spec)));
    return { file: "/bin/sh", args: ["-c", shimScript, "shim", ...args], env: mapEnv(spec), cwd };
  },
  async enter(spec, pid, command) {
    const args = enterArgs(mapAll(command, placesOf(spec)));
    return { file: "/bin/sh", args, env: mapEnv(spec), cwd: currentFolderOf(pid) };
  },
  hostPath: (spec, path) => mapPaths(path, placesOf(spec)),
};

/** A folder that is neither a volume's nor the host's is made below the container's own; `/` is that folder itself. */
function workingDirOf(spec: ContainerSpec, own: string): string {
  const { workingDir } = spec;
  const mapped = mapPaths(workingDir, placesOf(spec));
  return workingDir !== "/" && (mapped !== workingDir || existsSync(mapped)) ? mapped : join(own, workingDir);
}

/** Where the container's first process is. */
function currentFolderOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return "/";
  }
}

type Place = Pick<Mount, "mountPath" | "hostPath">;

/** The image's own folders stay what they are, also below a volume: a checkout under /tmp in a container that mounts /tmp. */
const placesOf = ({ mounts, hostDirs }: ContainerSpec): Place[] => [
  ...mounts,
  ...hostDirs.map((path) => ({ mountPath: path, hostPath: path })),
];

const mapAll = (texts: readonly string[], places: readonly Place[]): string[] =>
  texts.map((text) => mapPaths(text, places));

/** PATH keeps its meaning: a volume is never mounted over a folder of the host. */
function mapEnv(spec: ContainerSpec): Record<string, string> {
  const places = placesOf(spec);
  const entries = Object.entries(spec.env);
  return Object.fromEntries(
    entries.map(([name, value]) => [name, keepAsIs.has(name) ? value : mapPaths(value, places)]),
  );
}

const keepAsIs = new Set(["PATH", "NODE_OPTIONS", "KUBECONFIG", "HOSTNAME"]);

/**
 * Replaces every mount path in `text`, which may be a path, a flag such as `--dir=/data`, or a whole script, by the volume's place on the
 * host. A path counts only as a whole: `/data` is neither in `/database` nor in `/var/data`. The longest mount path wins.
 */
export function mapPaths(text: string, mounts: readonly Place[]): string {
  const places = new Map(mounts.map(({ mountPath, hostPath }) => [mountPath.replace(/(.)\/+$/, "$1"), hostPath]));
  const paths = [...places.keys()].filter((path) => path !== "/").sort((a, b) => b.length - a.length);
  if (paths.length === 0) return text;
  const alternatives = paths.map((path) => path.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|");
  const pattern = new RegExp(`(?<![\\w./-])(${alternatives})(?![\\w-]|\\.\\w)`, "g");
  return text.replace(pattern, (path) => places.get(path) ?? path);
}
