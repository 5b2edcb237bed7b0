/** Faults as objects of the API: `faults.coracle.dev/v1`, cluster-wide, so that none hides in a namespace. */
import type { PodRef } from "../kubelet/types.ts";
import type { Clock, MutableMeta, Registry } from "../machinery/types.ts";
import type { AddressPlan } from "../network/types.ts";
import type { ApiFaults } from "./api-faults.ts";
import type { DnsFaults } from "./dns-faults.ts";
import type { LiveFaults } from "./live-faults.ts";
import type { FaultSpec } from "./table.ts";

export const faultResource = "faults.faults.coracle.dev";
export const faultApiVersion = "faults.coracle.dev/v1";

/** `Active`: in force. `Over`: it has done what it does, or its time is up; listed for one more minute. `Failed`: it could not be injected. */
export type FaultPhase = "Active" | "Over" | "Failed";

export interface FaultStatus {
  readonly phase: FaultPhase;
  /** Whom it hit when it was injected: pods as `namespace/name`, nodes by name. */
  readonly affected?: readonly string[];
  readonly message?: string;
  /** RFC 3339. */
  readonly startTime?: string;
  readonly endTime?: string;
}

export interface Fault {
  apiVersion?: string;
  kind?: string;
  metadata?: MutableMeta;
  spec?: FaultSpec;
  status?: FaultStatus;
}

/** What a fault did, and how to take it back. */
export interface Injected {
  readonly affected: readonly string[];
  /** Absent for faults that are over at once. Idempotent. */
  readonly undo?: () => Promise<void> | void;
}

/** What effects reach into. */
export interface FaultWorld {
  readonly store: Registry;
  readonly clock: Clock;
  readonly plan: AddressPlan;
  readonly machines: Machines;
  readonly api: ApiFaults;
  readonly dns: DnsFaults;
  readonly live: LiveFaults;
}

/** The kubelet's side of faults. Pods that don't run here are left alone: the answer is then false. */
export interface Machines {
  /** SIGKILL for the programs of one or all containers of the pod. */
  killPod(pod: PodRef, container?: string): boolean;
  /** SIGSTOP for every process of the pod. */
  freezePod(pod: PodRef): boolean;
  /** SIGCONT for every process of the pod. */
  thawPod(pod: PodRef): boolean;
  /** Host paths by mount path, of all running containers of the pod. */
  mountsOf(pod: PodRef): readonly { readonly hostPath: string; readonly mountPath: string }[];
  /** Takes a node away with all its processes, as a power failure would. */
  stopNode(name: string): Promise<void>;
  startNode(name: string): Promise<void>;
}

/** The fault that is being injected: its name and identity beside what its kind takes. */
export interface Named {
  readonly name: string;
  readonly uid: string;
}
