/** Faults inside pods, which their Node.js programs bring about themselves: the preload follows a file that says what is wrong. */
import type { Pod } from "kubernetes-types/core/v1.js";
import type { Registry, Stored } from "../../machinery/types.ts";
import type { DiskFault, PodFaults } from "../pod-faults.ts";
import { isAimedAtPods, labelOf, namespaceOf, type PodTarget, podFilter, podsOf, refOf } from "../targets.ts";
import type { FaultWorld, Injected, Machines } from "../types.ts";

export function skewClock(
  { offsetMs = 0, rate = 1, ...target }: PodTarget & { offsetMs?: number | undefined; rate?: number | undefined },
  world: FaultWorld,
): Injected {
  const skew = { offsetMs, rate, sinceMs: world.clock.now() };
  return tell(target, world, () => ({ clock: [skew] }));
}

interface VolumeTarget extends PodTarget {
  readonly volume?: string | undefined;
}

export const fillVolume = (target: VolumeTarget, world: FaultWorld): Injected =>
  disturbDisk(target, world, { on: "write", code: "ENOSPC" });

export const slowSync = ({ delayMs, ...target }: VolumeTarget & { readonly delayMs: number }, world: FaultWorld) =>
  disturbDisk(target, world, { on: "sync", delayMs });

export const diskCodes = ["EIO", "ENOSPC", "EROFS"] as const;

export const failSync = (
  { code = "EIO", ...target }: VolumeTarget & { readonly code?: (typeof diskCodes)[number] | undefined },
  world: FaultWorld,
) => disturbDisk(target, world, { on: "sync", code });

function disturbDisk({ volume, ...target }: VolumeTarget, world: FaultWorld, fault: DiskFault): Injected {
  return tell(target, world, (pod) => {
    const folders = volume === undefined ? undefined : foldersOf(pod, volume, world.machines);
    return { disk: [{ ...fault, ...(folders && { folders }) }] };
  });
}

/** Where programs see the volume: its mount paths, and without a private root the folders behind them. */
function foldersOf(pod: Stored<Pod>, volume: string, machines: Machines): string[] {
  const containers = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])];
  const paths = containers
    .flatMap(({ volumeMounts = [] }) => volumeMounts.filter(({ name }) => name === volume))
    .map(({ mountPath }) => mountPath.replace(/\/$/, ""));
  const behind = machines.mountsOf(refOf(pod)).filter(({ mountPath }) => paths.includes(mountPath.replace(/\/$/, "")));
  return [...new Set([...paths, ...behind.map(({ hostPath }) => hostPath)])];
}

interface NetworkTarget extends PodTarget {
  readonly delayMs: number;
  readonly from?: readonly string[] | undefined;
  readonly fromSelector?: string | undefined;
}

export function delayNetwork({ delayMs, from, fromSelector, ...target }: NetworkTarget, world: FaultWorld): Injected {
  const others: PodTarget = { namespace: namespaceOf(target), pods: from, selector: fromSelector };
  return tell(target, world, () => {
    const peers = isAimedAtPods(others) ? addressesOf(world.store, others) : undefined;
    return { network: [{ delayMs, ...(peers && { peers }) }] };
  });
}

const addressesOf = (store: Registry, target: PodTarget): string[] =>
  podsOf(store, target).flatMap(({ status }) => (status?.podIP ? [status.podIP] : []));

function tell(target: PodTarget, { live, store }: FaultWorld, faults: (pod: Stored<Pod>) => PodFaults): Injected {
  const isHit = podFilter(target);
  const undo = live.add((pod) => (isHit(pod) ? faults(pod) : undefined));
  return { affected: podsOf(store, target).map(labelOf), undo };
}
