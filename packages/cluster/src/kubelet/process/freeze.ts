/** Stopping all processes of a container where they stand, and letting them go on. */
import { processesOf, signal, statOf, treeOf } from "./proc.ts";

/** Processes that fork while they are being stopped make a second look necessary; more than this many looks are not taken. */
const maxLooks = 20;

/** SIGSTOP for the process, everything below it, and whatever of the container has left its tree. */
export function freeze(containerID: string, root: number): void {
  const stopped = new Set<number>();
  for (let look = 0; look < maxLooks; look++) {
    const moving = membersOf(containerID, root).filter((pid) => !stopped.has(pid));
    if (moving.length === 0) return;
    for (const pid of moving) {
      signal(pid, "SIGSTOP");
      stopped.add(pid);
    }
  }
}

/** SIGCONT for those that are stopped. */
export function thaw(containerID: string, root: number): void {
  for (const pid of membersOf(containerID, root)) if (statOf(pid)?.state === "T") signal(pid, "SIGCONT");
}

const membersOf = (containerID: string, root: number): number[] => [
  ...new Set([...treeOf(root).map(({ pid }) => pid), ...processesOf(containerID)]),
];
