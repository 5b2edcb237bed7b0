import type { ConfigMap, PersistentVolume, PersistentVolumeClaim, Pod, Secret } from "kubernetes-types/core/v1.js";
import type { NodeCapacity, PodAddresses } from "../env/fields.ts";
import type { IssuedToken } from "../options.ts";

/** What volumes are filled from. */
export interface VolumeSources {
  configMap(namespace: string, name: string): ConfigMap | undefined;
  secret(namespace: string, name: string): Secret | undefined;
  claim(namespace: string, name: string): PersistentVolumeClaim | undefined;
  volume(name: string): PersistentVolume | undefined;
  /** Where on this machine its data lies; undefined when it is on none. */
  placeOf(volume: PersistentVolume): string | undefined;
  token(pod: Pod, audience: string | undefined, expirationSeconds: number): Promise<IssuedToken>;
  readonly caPem: string;
  /** The cluster's folder. What lies elsewhere on the machine is somebody's, and keeps its owner. */
  readonly clusterDir: string;
  readonly node: NodeCapacity;
}

/** A volume as it lies on the host. */
export interface MountedVolume {
  readonly name: string;
  readonly hostPath: string;
  readonly isFile: boolean;
  readonly isReadOnly: boolean;
}

export interface VolumeContext {
  readonly pod: Pod;
  readonly addresses: PodAddresses;
  readonly sources: VolumeSources;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** Files of a volume by relative path. */
export interface ProjectedFile {
  readonly content: Buffer | string;
  readonly mode: number;
}

export interface Projection {
  readonly files: ReadonlyMap<string, ProjectedFile>;
  /** When the content is to be made anew even if nothing has changed (tokens); Infinity otherwise. */
  readonly refreshAt: number;
}
