/** How a container's program meets its surroundings. One interface, two levels; neither promises security isolation. */
import type { IsolationLevel } from "../options.ts";

/** A file or folder of the host that the container sees at `mountPath`. */
export interface Mount {
  readonly hostPath: string;
  readonly mountPath: string;
  readonly isReadOnly: boolean;
  readonly isFile: boolean;
}

export interface ProcessUser {
  readonly uid: number;
  readonly gid: number;
  /** Supplementary ones, the primary one among them. */
  readonly groups: readonly number[];
}

/** Everything that starting a container's process takes; kept on disk, so that a later run of the cluster can enter the container too. */
export interface ContainerSpec {
  readonly hostname: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Absolute, as the container sees it. */
  readonly workingDir: string;
  /** Ordered so that a mount comes after the one it lies in. */
  readonly mounts: readonly Mount[];
  /** Host folders that stay visible at their own path, read-only where the private root would hide them. */
  readonly hostDirs: readonly string[];
  readonly isRootReadOnly: boolean;
  readonly hasTty: boolean;
  /** Absent: the user that the container would have anyway. Only where a private root and root's rights allow it. */
  readonly user?: ProcessUser;
}

/** A process to spawn on the host. */
export interface Launch {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}

export interface Isolation {
  readonly level: IsolationLevel;
  /** Whether `ContainerSpec.user` is heeded. */
  readonly mayChangeUser: boolean;
  /**
   * What to spawn for the container's main process. The spawned process follows the shim's protocol (shim.ts) on descriptors 3 and 4.
   * `folder` is the container's own, for files that the launch needs.
   */
  launch(spec: ContainerSpec, folder: string): Promise<Launch>;
  /** What to spawn for one more process inside a running container whose spawned process is `pid`. */
  enter(spec: ContainerSpec, pid: number, command: readonly string[]): Promise<Launch>;
  /** Where on the host a path of the container is, for what the kubelet itself reads; undefined when it can't tell. */
  hostPath(spec: ContainerSpec, path: string): string | undefined;
}
