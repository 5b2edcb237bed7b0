/** What the kubelet is given: its neighbours in the cluster, its folder, and what can be tuned. */
import type { ObjectReference, Pod } from "kubernetes-types/core/v1.js";
import type { Clock, Registry } from "../machinery/types.ts";
import type { AddressPlan } from "../network/types.ts";
import type { ImageTable } from "./images/types.ts";

export type IsolationLevel = "namespaces" | "plain";

export interface TokenRequest {
  readonly namespace: string;
  readonly serviceAccount: string;
  /** Binds the token to this pod. */
  readonly pod?: string;
  readonly audiences?: readonly string[];
  readonly expirationSeconds?: number;
}

/** `expiresAt` in milliseconds since the epoch, or anything that `new Date` understands. */
export interface IssuedToken {
  readonly token: string;
  readonly expiresAt: number | string | Date;
}

export type RecordEvent = (
  about: ObjectReference,
  type: "Normal" | "Warning",
  reason: string,
  message: string,
  component: string,
) => unknown;

export interface KubeletOptions {
  readonly store: Registry;
  readonly plan: AddressPlan;
  readonly clock: Clock;
  /** The cluster's state folder; the kubelet keeps to `pods`, `applets` and `root` under it. */
  readonly dir: string;
  /** Names of the nodes whose pods run here; `nodes[i]` has the address `plan.node(i)`. */
  readonly nodes: readonly string[];
  readonly images: ImageTable;
  /** `auto` takes namespaces where the kernel allows them. */
  readonly isolation: IsolationLevel | "auto";
  readonly issueToken: (request: TokenRequest) => Promise<IssuedToken>;
  readonly caPem: string;
  readonly apiServer: { readonly host: string; readonly port: number };
  readonly recordEvent: RecordEvent;
  /** What makes Node programs use the cluster's DNS and the pod's address. */
  readonly preload?: {
    environment(podIp: string, pod: Pod): Record<string, string>;
    /** A host folder whose changes every container sees, at its own path. */
    readonly liveDir?: string;
  };
  readonly timing?: Partial<Timing>;
}

/** All in milliseconds. */
export interface Timing {
  /** First delay of the restart and image back-off; doubles up to `backoffMaxMs`. */
  readonly backoffBaseMs: number;
  readonly backoffMaxMs: number;
  /** A container that ran this long starts again without delay. */
  readonly backoffResetMs: number;
  /** How long a crash or a failed pull stays visible before it turns into a back-off. */
  readonly announceMs: number;
  readonly nodeLeaseMs: number;
  /** How often the /proc entry of an adopted process is looked at. */
  readonly adoptedPollMs: number;
  /** A container whose program has not begun by then (a hanging mount) is ended. */
  readonly startLimitMs: number;
  /** How often containers with a memory limit are measured. */
  readonly memoryCheckMs: number;
  /** How often emptyDir volumes with a size limit are. */
  readonly volumeCheckMs: number;
}

export const defaultTiming: Timing = {
  backoffBaseMs: 10_000,
  backoffMaxMs: 300_000,
  backoffResetMs: 600_000,
  announceMs: 1_000,
  nodeLeaseMs: 10_000,
  adoptedPollMs: 500,
  startLimitMs: 30_000,
  memoryCheckMs: 1_000,
  volumeCheckMs: 10_000,
};
