/** All faults by name. */
import { injectedFaults } from "./injected.ts";
import { objectFaults } from "./objects.ts";
import { partitionFaults } from "./partition.ts";
import { kill, pause } from "./process.ts";
import type { Fault } from "./types.ts";

export const faults = { kill, pause, ...partitionFaults, ...objectFaults, ...injectedFaults } satisfies Readonly<
  Record<string, Fault>
>;

export type FaultName = keyof typeof faults;

export const faultNames = Object.keys(faults) as readonly FaultName[];
