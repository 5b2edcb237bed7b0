/**
 * Limits that nobody else enforces. Memory is measured, not enforced by a cgroup: those take rights that an ordinary user lacks, and differ
 * between machines. So a container may go beyond its limit for as long as a measurement takes, and is then ended as the kernel would.
 */
import { readFileSync } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Pod, Volume } from "kubernetes-types/core/v1.js";
import { quantityValue } from "../machinery/quantity.ts";
import type { Clock } from "../machinery/types.ts";
import type { PodWorker } from "./pod/pod-worker.ts";
import { allProcesses, type ProcessStat, pageBytes, treeOf } from "./process/proc.ts";

export interface LimitTiming {
  readonly memoryCheckMs: number;
  readonly volumeCheckMs: number;
}

/** What a program of ours takes beyond the one that it stands for: a container is ended when it is over its limit by more than that. */
const allowanceBytes = 32 * 1024 * 1024;

/** Checks until the result is called. */
export function watchLimits(workers: () => Iterable<PodWorker>, clock: Clock, timing: LimitTiming): () => void {
  const stops = [
    repeat(clock, timing.memoryCheckMs, async () => checkMemory([...workers()])),
    repeat(clock, timing.volumeCheckMs, async () => {
      for (const worker of workers()) await checkVolumes(worker);
    }),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}

/** The next round begins when the last one is over. */
function repeat(clock: Clock, everyMs: number, round: () => Promise<void>): () => void {
  let cancel: () => void;
  let isOver = false;
  const again = (): void => {
    cancel = clock.after(everyMs, () => void round().finally(() => isOver || again()));
  };
  again();
  return () => {
    isOver = true;
    cancel();
  };
}

function checkMemory(workers: readonly PodWorker[]): void {
  const limited = workers.flatMap(({ pod, runtime }) =>
    [...runtime.containers.values()].flatMap((running) => {
      const limit = memoryLimitOf(pod, running.name);
      return limit === undefined ? [] : [{ running, limit }];
    }),
  );
  // Reading all of /proc is what costs.
  const processes = limited.length > 0 ? allProcesses() : [];
  for (const { running, limit } of limited) {
    const used = memoryOf(treeOf(running.process.identity.pid, processes));
    if (used > limit + allowanceBytes) running.killForMemory();
  }
}

/** In bytes; undefined without a limit. */
export function memoryLimitOf({ spec }: Pod, name: string): number | undefined {
  const all = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])];
  const limit = all.find((each) => each.name === name)?.resources?.limits?.memory;
  return limit === undefined ? undefined : quantityValue(limit);
}

const memoryOf = (tree: readonly ProcessStat[]): number => tree.reduce((sum, { pid }) => sum + ownBytes(pid), 0);

/** Resident memory that is not a file's: code that all pods share counts for none of them. */
function ownBytes(pid: number): number {
  try {
    const [, resident = 0, shared = 0] = readFileSync(`/proc/${pid}/statm`, "latin1").split(" ").map(Number);
    return (resident - shared) * pageBytes;
  } catch {
    return 0;
  }
}

async function checkVolumes(worker: PodWorker): Promise<void> {
  for (const volume of worker.pod.spec?.volumes ?? []) {
    const limit = volume.emptyDir?.sizeLimit;
    if (limit === undefined) continue;
    const used = await sizeOf(join(worker.runtime.folder.volumes, volume.name));
    if (used > quantityValue(limit)) worker.evict(evictionNote(volume, limit));
  }
}

const evictionNote = ({ name }: Volume, limit: string): string =>
  `Usage of EmptyDir volume "${name}" exceeds the limit "${limit}". `;

/** Disk space below a folder, in bytes; files that go meanwhile count for nothing. */
async function sizeOf(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder, { recursive: true }).catch(() => []))
    bytes += await lstat(join(folder, entry)).then(
      ({ blocks }) => blocks * 512,
      () => 0,
    );
  return bytes;
}

/**
 * What a Node program is told of its limit: Node asks its cgroup, which here is the whole machine's, and would let its heap grow far beyond.
 * Half of the limit is what Node itself chooses in a container.
 */
export function heapOption(limitBytes: number | undefined, nodeOptions: string): string | undefined {
  if (limitBytes === undefined || nodeOptions.includes("--max-old-space-size")) return undefined;
  return `--max-old-space-size=${Math.max(smallestHeap, Math.floor(limitBytes / 2 / 1024 / 1024))}`;
}

/** In MiB. */
const smallestHeap = 32;
