/** Where a pod's files lie. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Pod } from "kubernetes-types/core/v1.js";

/**
 * Removes a pod's folder. A process that has just been killed may still finish a write into it, hence the retries; what can't be removed
 * after them is left to the next start of the kubelet, which clears away the folders of pods that are gone.
 */
export const removeFolder = (path: string): Promise<void> =>
  rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 }).catch(() => undefined);

/** Names and uids are already DNS labels or uuids; anything else must not become a path. */
const safe = (text: string | undefined): string => (text ?? "").replace(/[^\w.-]/g, "-").replace(/^\.+/, "-");

export class PodFolder {
  readonly path: string;

  constructor(podsFolder: string, { metadata }: Pod) {
    this.path = join(podsFolder, [metadata?.namespace, metadata?.name, metadata?.uid].map(safe).join("_"));
  }

  get record(): string {
    return join(this.path, "pod.json");
  }

  get volumes(): string {
    return join(this.path, "volumes");
  }

  /** Files that stand in for those of /etc. */
  etc(name: string): string {
    return join(this.path, "etc", name);
  }

  container(name: string): ContainerFolder {
    return new ContainerFolder(join(this.path, "containers", safe(name)));
  }
}

export class ContainerFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  get record(): string {
    return join(this.path, "run.json");
  }

  /** `attempt` counts from 1. */
  log(attempt: number): string {
    return join(this.path, `${attempt - 1}.log`);
  }

  exitRecord(attempt: number): string {
    return join(this.path, `${attempt - 1}.exit`);
  }

  /** The place of a folder that the image brings. */
  own(mountPath: string): string {
    return join(this.path, "own", mountPath);
  }

  get terminationMessage(): string {
    return join(this.path, "termination-log");
  }
}
