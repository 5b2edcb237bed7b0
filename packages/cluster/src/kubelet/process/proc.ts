/** What /proc tells of processes. Where there is no /proc (macOS), pids are only checked for life and usage is unknown. */
import { readdirSync, readFileSync } from "node:fs";

/** A pid alone is not an identity: pids are reused. The start time makes it one. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks after boot, from /proc/<pid>/stat; empty where there is no /proc. */
  readonly startTicks: string;
}

export interface ProcessStat {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly state: string;
  readonly startTicks: string;
  /** User and system time of it and its reaped children. */
  readonly cpuTicks: number;
  readonly residentBytes: number;
}

export const pageBytes = 4096;
export const ticksPerSecond = 100;

export function statOf(pid: number): ProcessStat | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, "latin1");
  } catch {
    return undefined;
  }
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const field = (index: number): number => Number(fields[index - 3]);
  return {
    pid,
    state: fields[0] ?? "",
    parent: field(4),
    group: field(5),
    cpuTicks: field(14) + field(15) + field(16) + field(17),
    startTicks: fields[19] ?? "",
    residentBytes: field(24) * pageBytes,
  };
}

export const identityOf = (pid: number): ProcessIdentity => ({ pid, startTicks: statOf(pid)?.startTicks ?? "" });

/** Whether that very process still runs; a zombie does not. */
export function isAlive({ pid, startTicks }: ProcessIdentity): boolean {
  const stat = statOf(pid);
  if (stat !== undefined) return stat.startTicks === startTicks && stat.state !== "Z" && stat.state !== "X";
  return startTicks === "" && signal(pid, 0);
}

/** Sends a signal; a negative pid means the group. Returns false when there is nobody to receive it. */
export function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}

export function allProcesses(): ProcessStat[] {
  let names: string[];
  try {
    names = readdirSync("/proc");
  } catch {
    return [];
  }
  return names
    .filter((name) => /^\d+$/.test(name))
    .map((name) => statOf(Number(name)))
    .filter((stat) => stat !== undefined);
}

/** The process and everything below it. */
export function treeOf(root: number, processes: readonly ProcessStat[] = allProcesses()): ProcessStat[] {
  const found = processes.filter(({ pid }) => pid === root);
  for (const { pid } of found) found.push(...processes.filter(({ parent }) => parent === pid));
  return found;
}

/** Environment variable by which the processes of a container are found wherever they have moved. */
export const containerMark = "CORACLE_CONTAINER_ID";

/** Every process whose environment carries the container's mark, also those that left its process group. */
export function processesOf(containerID: string): number[] {
  const mark = `${containerMark}=${containerID}`;
  return allProcesses()
    .filter(({ pid, state }) => state !== "Z" && environmentOf(pid).includes(mark))
    .map(({ pid }) => pid);
}

function environmentOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
  } catch {
    return [];
  }
}

/** How many processes the kernel has ended for lack of memory since boot. */
export function oomKills(): number {
  try {
    return Number(/^oom_kill (\d+)$/m.exec(readFileSync("/proc/vmstat", "latin1"))?.[1] ?? 0);
  } catch {
    return 0;
  }
}
