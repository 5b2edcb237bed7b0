/**
 * The plan of a container's private root: a tmpfs that shows the host's programs through overlays (what the container writes there is its
 * own and goes with it), with fresh /tmp, /run, /var and /dev, and the container's volumes where Kubernetes puts them. Every process that
 * the setup starts costs a millisecond, more than the mounts themselves: so the part that is the same for all containers is a template
 * folder, copied in one go, and all mounts go into one fstab for one run of mount(8).
 */
import { chmodSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Entry, isHidden, resolveInRoot } from "./host-tree.ts";
import { shimScript } from "./shim.ts";
import type { ContainerSpec, Mount } from "./types.ts";

export interface RootPlan {
  readonly fstab: string;
  /** Folders to make below the staging folder, beyond the template's. */
  readonly folders: readonly string[];
  /** Empty files to make, as places for file mounts. */
  readonly files: readonly string[];
}

export interface RootOptions {
  /** Where the tmpfs is mounted. */
  readonly stage: string;
  readonly entries: readonly Entry[];
  /** Overlays keep their marks in `user.` attributes when the mounting user is not the host's root. */
  readonly inUserNamespace: boolean;
  readonly hasPidNamespace: boolean;
}

const devices = ["null", "zero", "full", "random", "urandom", "tty", "ptmx"].filter((name) =>
  existsSync(`/dev/${name}`),
);
const freshFolders = [
  "proc",
  "sys",
  "dev/pts",
  "dev/shm",
  "dev/mqueue",
  "run",
  "var/log",
  "var/cache",
  "var/lib",
  "mnt",
  "media",
];
const sharedFolders = ["tmp", "var/tmp"];
const freshLinks = {
  "var/run": "/run",
  "dev/fd": "/proc/self/fd",
  "dev/stdin": "/proc/self/fd/0",
  "dev/stdout": "/proc/self/fd/1",
  "dev/stderr": "/proc/self/fd/2",
};

/** Where a container finds its shim: a file, so that `ps` in the container stays readable. */
export const shimPath = "/dev/init";

/** Writes the template: `root`, and the overlays' `upper` and `work`. */
export function writeTemplate(folder: string, entries: readonly Entry[]): void {
  rmSync(folder, { recursive: true, force: true });
  const make = (path: string) => mkdirSync(join(folder, path), { recursive: true });
  for (const path of [...freshFolders, ...sharedFolders]) make(`root/${path}`);
  for (const path of sharedFolders) chmodSync(join(folder, "root", path), 0o1777);
  for (const device of devices) writeFileSync(join(folder, "root/dev", device), "");
  writeFileSync(join(folder, "root", shimPath), shimScript);
  for (const [path, target] of Object.entries(freshLinks)) symlinkSync(target, join(folder, "root", path));
  for (const entry of entries) {
    if (entry.type === "link") symlinkSync(entry.target, join(folder, "root", entry.path));
    else make(`root${entry.path}`);
    if (entry.type === "overlay") for (const side of ["upper", "work"]) make(`${side}${entry.path}`);
  }
}

export function planRoot(spec: ContainerSpec, options: RootOptions): RootPlan {
  const builder = new RootBuilder(options, spec.isRootReadOnly);
  builder.showHost();
  builder.makeFresh();
  for (const mount of allMounts(spec)) builder.mount(mount);
  return builder.plan();
}

/** Shallow ones first: a checkout below /tmp must stay visible in a container that mounts a volume at /tmp. */
function allMounts({ hostDirs, mounts }: ContainerSpec): Mount[] {
  const depth = ({ mountPath }: Mount): number => mountPath.split("/").filter(Boolean).length;
  const shown = hostDirs
    .filter((path) => isHidden(path) || mounts.some(({ mountPath }) => isWithin(path, mountPath)))
    .map((path) => ({ hostPath: path, mountPath: path, isReadOnly: true, isFile: false }));
  return [...shown, ...mounts].sort((a, b) => depth(a) - depth(b));
}

class RootBuilder {
  readonly #options: RootOptions;
  readonly #isReadOnly: boolean;
  readonly #lines: string[] = [];
  readonly #folders = new Set<string>();
  readonly #files: string[] = [];
  /** Container paths covered by a mount, with the host folder below it where that is the container's to change. */
  readonly #covers = new Map<string, string>();

  constructor(options: RootOptions, isReadOnly: boolean) {
    this.#options = options;
    this.#isReadOnly = isReadOnly;
  }

  showHost(): void {
    const { stage, inUserNamespace, entries } = this.#options;
    this.#line(`${stage}/root`, "/", "none", "bind");
    const marks = `${inUserNamespace ? ",userxattr" : ""}${this.#isReadOnly ? ",ro" : ""}`;
    for (const { type, path } of entries) {
      if (type === "bind") this.#line(path, path, "none", "rbind");
      if (type !== "overlay") continue;
      const [upper, work] = [layer(`${stage}/upper${path}`), layer(`${stage}/work${path}`)];
      this.#line("overlay", path, "overlay", `lowerdir=${layer(path)},upperdir=${upper},workdir=${work}${marks}`);
    }
  }

  makeFresh(): void {
    if (this.#options.hasPidNamespace) this.#line("proc", "/proc", "proc", "defaults");
    else this.#line("/proc", "/proc", "none", "rbind");
    this.#line("/sys", "/sys", "none", "rbind");
    this.#line("/dev/pts", "/dev/pts", "none", "rbind");
    this.#line("tmpfs", "/dev/shm", "tmpfs", "mode=1777");
    for (const device of devices) this.#line(`/dev/${device}`, `/dev/${device}`, "none", "bind");
  }

  mount({ hostPath, mountPath, isReadOnly, isFile }: Mount): void {
    const target = resolveInRoot(mountPath);
    this.#makePlace(target, isFile);
    this.#line(hostPath, target, "none", isReadOnly ? "bind,ro" : "bind");
    this.#covers.set(target, isReadOnly ? "" : hostPath);
  }

  /** Makes the file or folder that a mount goes onto: in the volume around it, in an overlay's upper layer, or in the tmpfs. */
  #makePlace(target: string, isFile: boolean): void {
    const cover = [...this.#covers.keys()].filter((path) => isWithin(target, path)).at(-1);
    if (cover !== undefined) {
      const inside = this.#covers.get(cover);
      if (inside) makeOnHost(join(inside, target.slice(cover.length)), isFile);
      return;
    }
    const isOverlaid = this.#options.entries.some(({ type, path }) => type === "overlay" && isWithin(target, path));
    const place = `${this.#options.stage}/${isOverlaid ? "upper" : "root"}${target}`;
    this.#folders.add(isFile ? dirname(place) : place);
    if (isFile) this.#files.push(place);
  }

  #line(source: string, target: string, type: string, options: string): void {
    const place = `${this.#options.stage}/root${target === "/" ? "" : target}`;
    this.#lines.push(`${[source, place, type, options].map(escapeField).join(" ")} 0 0\n`);
  }

  plan(): RootPlan {
    return { fstab: this.#lines.join(""), folders: [...this.#folders], files: this.#files };
  }
}

const isWithin = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`);

function makeOnHost(path: string, isFile: boolean): void {
  if (existsSync(path)) return;
  mkdirSync(isFile ? dirname(path) : path, { recursive: true });
  if (isFile) writeFileSync(path, "");
}

/** fstab separates by white space. */
const escapeField = (field: string): string =>
  field.replace(/[\s\\]/g, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, "0")}`);

/** The overlay's own options are separated by commas and colons. */
const layer = (path: string): string => path.replace(/[\\:,]/g, "\\$&");
