/** Which parts of the host's file tree a container's private root shows, and how. Pure but for reading the tree. */
import { lstatSync, readdirSync, readFileSync, readlinkSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";

export type Entry =
  /** Writable, with the host's folder below and the container's changes above. */
  | { readonly type: "overlay"; readonly path: string }
  /** The host's own, as it is. */
  | { readonly type: "bind"; readonly path: string }
  | { readonly type: "folder"; readonly path: string }
  | { readonly type: "link"; readonly path: string; readonly target: string };

/** Fresh and private in every container, or of no use there. */
const hidden = new Set([
  "/proc",
  "/sys",
  "/dev",
  "/tmp",
  "/run",
  "/var",
  "/boot",
  "/lost+found",
  "/snap",
  "/media",
  "/mnt",
]);

const overlayable = new Set(["ext4", "ext3", "ext2", "xfs", "btrfs", "tmpfs", "overlay", "zfs", "f2fs"]);

const maxDepth = 4;
const maxEntries = 64;

interface MountPoint {
  readonly path: string;
  readonly type: string;
}

/** The host's mounts, from /proc/self/mountinfo. */
export function mountPoints(): MountPoint[] {
  const lines = readFileSync("/proc/self/mountinfo", "utf8").trimEnd().split("\n");
  return lines.map((line) => {
    const [before = "", after = ""] = line.split(" - ");
    const path = (before.split(" ")[4] ?? "").replace(/\\(\d{3})/g, (_, octal) =>
      String.fromCharCode(Number.parseInt(octal, 8)),
    );
    return { path, type: after.split(" ")[0] ?? "" };
  });
}

/**
 * The entries of the root. A user namespace refuses to put an overlay over a folder with mounts inside, so such a folder is made anew
 * and its children are looked at one by one; deeper than `maxDepth` it is bound as it is.
 */
export function hostTree(mounts: readonly MountPoint[] = mountPoints()): Entry[] {
  const paths = mounts.map(({ path }) => path);
  const typeAt = (path: string) => typeOf(path, mounts);
  const walk = (path: string, depth: number): Entry[] => {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat?.isSymbolicLink()) return [{ type: "link", path, target: readlinkSync(path) }];
    if (!stat?.isDirectory()) return [];
    if (!paths.some((each) => each.startsWith(`${path}/`))) return [leaf(path, typeAt(path))];
    const children = childrenOf(path);
    if (depth >= maxDepth || children.length > maxEntries) return [{ type: "bind", path }];
    return [{ type: "folder", path }, ...children.flatMap((name) => walk(join(path, name), depth + 1))];
  };
  return childrenOf("/")
    .map((name) => `/${name}`)
    .filter((path) => !hidden.has(path))
    .flatMap((path) => walk(path, 1));
}

const leaf = (path: string, type: string): Entry => ({ type: overlayable.has(type) ? "overlay" : "bind", path });

function childrenOf(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function typeOf(path: string, mounts: readonly MountPoint[]): string {
  const above = mounts.filter((each) => each.path === "/" || path === each.path || path.startsWith(`${each.path}/`));
  return above.reduce((best, each) => (each.path.length >= best.path.length ? each : best), { path: "", type: "" })
    .type;
}

/** Whether the host's file at `path` is not to be seen in a container. */
export const isHidden = (path: string): boolean => hidden.has(`/${path.split("/")[1] ?? ""}`);

/** Where a container's path really lies, following the host's links that the root repeats (`/var/run` is `/run`). */
export function resolveInRoot(path: string): string {
  if (path === "/var/run" || path.startsWith("/var/run/")) return path.replace("/var/run", "/run");
  return isHidden(path) ? path : resolveExisting(path);
}

function resolveExisting(path: string): string {
  if (path === "/") return path;
  const parent = resolveExisting(dirname(path));
  const own = join(parent, path.slice(path.lastIndexOf("/") + 1));
  try {
    return realpathSync(own);
  } catch {
    return own;
  }
}
