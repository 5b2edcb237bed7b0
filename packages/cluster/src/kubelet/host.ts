/** What all pods of the kubelet share. */
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import type { Pod } from "kubernetes-types/core/v1.js";
import { placeOf } from "../controllers/volumes/folders.ts";
import type { EnvironmentSources } from "./env/environment.ts";
import type { NodeCapacity } from "./env/fields.ts";
import type { ImageOptions } from "./images/resolve.ts";
import type { Isolation } from "./isolation/types.ts";
import type { KubeletOptions, Timing } from "./options.ts";
import type { PodAddresses } from "./pod/addresses.ts";
import type { VolumeSources } from "./volumes/types.ts";

export interface Host {
  readonly options: KubeletOptions;
  readonly timing: Timing;
  readonly isolation: Isolation;
  readonly images: ImageOptions;
  readonly addresses: PodAddresses;
  /** Folder of the pods' folders. */
  readonly podsFolder: string;
  /** The address of a pod's node. */
  hostIP(pod: Pod): string;
}

export const nodeCapacity = (): NodeCapacity => ({ cpu: String(cpus().length), memory: String(totalmem()) });

export const environmentSources = ({ store, apiServer }: KubeletOptions, namespace: string): EnvironmentSources => ({
  configMap: (name) => store.get("configmaps", namespace, name),
  secret: (name) => store.get("secrets", namespace, name),
  services: () => store.list("services", { namespace }),
  apiServer,
  node: nodeCapacity(),
});

export const volumeSources = ({ store, issueToken, caPem, dir }: KubeletOptions): VolumeSources => ({
  configMap: (namespace, name) => store.get("configmaps", namespace, name),
  secret: (namespace, name) => store.get("secrets", namespace, name),
  claim: (namespace, name) => store.get("persistentvolumeclaims", namespace, name),
  volume: (name) => store.get("persistentvolumes", "", name),
  placeOf: (volume) => placeOf(join(dir, "volumes"), volume),
  token: ({ metadata, spec }, audience, expirationSeconds) =>
    issueToken({
      namespace: metadata?.namespace ?? "",
      serviceAccount: spec?.serviceAccountName ?? "default",
      pod: metadata?.name ?? "",
      ...(audience && { audiences: [audience] }),
      expirationSeconds,
    }),
  caPem,
  clusterDir: dir,
  node: nodeCapacity(),
});
