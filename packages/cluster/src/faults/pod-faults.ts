/**
 * What is wrong with one pod, as its preload reads it. Pure, and without imports: every module here adds to the start of every
 * Node.js process of a pod.
 */

/** The pod's time runs `rate` times as fast as ours since `sinceMs`, and `offsetMs` ahead of it. */
export interface Skew {
  readonly offsetMs: number;
  readonly rate: number;
  /** Our time, in milliseconds since the epoch. */
  readonly sinceMs: number;
}

export interface DiskFault {
  /** Which calls: those that take space, or those that make data durable. */
  readonly on: "write" | "sync";
  /** Folders as the program sees them; absent for all. */
  readonly folders?: readonly string[];
  readonly delayMs?: number;
  /** The system's error code; absent to let the call succeed. */
  readonly code?: string;
}

export interface DelayFault {
  readonly delayMs: number;
  /** Addresses of the other ends; absent for all. */
  readonly peers?: readonly string[];
}

export interface PodFaults {
  readonly clock?: readonly Skew[];
  readonly disk?: readonly DiskFault[];
  readonly network?: readonly DelayFault[];
}

/** The pod's time at our time `nowMs`. */
export const skewed = (skews: readonly Skew[] | undefined, nowMs: number): number =>
  skews === undefined
    ? nowMs
    : Math.floor(
        skews.reduce((now, { offsetMs, rate, sinceMs }) => now + offsetMs + (rate - 1) * (nowMs - sinceMs), nowMs),
      );

/** The fault that a call on a file meets: delays add up, the first error counts. */
export function diskVerdict(
  faults: readonly DiskFault[],
  on: DiskFault["on"],
  path: string | undefined,
): { readonly delayMs: number; readonly code: string | undefined } {
  const met = faults.filter((fault) => fault.on === on && isBelow(path, fault.folders));
  return {
    delayMs: met.reduce((sum, { delayMs = 0 }) => sum + delayMs, 0),
    code: met.find(({ code }) => code !== undefined)?.code,
  };
}

const isBelow = (path: string | undefined, folders: readonly string[] | undefined): boolean =>
  folders === undefined ||
  (path !== undefined && folders.some((folder) => path === folder || path.startsWith(`${folder}/`)));

/** How much later what comes from `peer` arrives. */
export const delayFrom = (faults: readonly DelayFault[] | undefined, peer: string | undefined): number =>
  faults === undefined
    ? 0
    : faults
        .filter(({ peers }) => peers === undefined || peers.includes(peer ?? ""))
        .reduce((sum, { delayMs }) => sum + delayMs, 0);

/** All that several faults do to one pod. */
export const joined = (parts: readonly PodFaults[]): PodFaults => {
  const clock = parts.flatMap((part) => part.clock ?? []);
  const disk = parts.flatMap((part) => part.disk ?? []);
  const network = parts.flatMap((part) => part.network ?? []);
  return {
    ...(clock.length > 0 && { clock }),
    ...(disk.length > 0 && { disk }),
    ...(network.length > 0 && { network }),
  };
};
