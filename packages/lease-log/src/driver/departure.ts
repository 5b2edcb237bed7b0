/**
 * How a node leaves: hands over if it leads, then waits until nobody counts on it. Each for a moment only: all members may be stopping
 * at once, and then nobody is left to hand over to.
 */
import type { LogClock } from "../options.ts";
import type { LogStatus } from "../types.ts";

/** How long a hand-over, and then a stopping replica's removal from the in-sync set, is waited for. */
const LEAVE_MS = 1000;

export interface Departing {
  status(): LogStatus;
  isLeading(): boolean;
  /** No primary counts on this node any more. */
  isReleased(): boolean;
  isConnected(peer: string): boolean;
  handOver(to: string, withinMs: number): Promise<void>;
  /** Tells the others that this node will be gone. */
  announce(): void;
  stepDown(): Promise<void>;
}

export async function depart(node: Departing, clock: LogClock, stepMs: number): Promise<string | undefined> {
  const problem = node.isLeading() ? await handOver(node, clock) : undefined;
  node.announce();
  if (node.isLeading()) await node.stepDown();
  const deadline = clock.now() + LEAVE_MS;
  const isConnected = () => node.isConnected(node.status().primary ?? "");
  while (!node.isReleased() && isConnected() && clock.now() < deadline)
    await new Promise<void>((resolve) => void clock.after(stepMs, resolve));
  return problem;
}

/** To whoever holds the most; to the next when that one refuses, as one does that is leaving too. Resolves with what went wrong last. */
async function handOver(node: Departing, clock: LogClock): Promise<string | undefined> {
  const deadline = clock.now() + LEAVE_MS;
  let problem: string | undefined;
  for (const { id } of successors(node.status())) {
    const leftMs = deadline - clock.now();
    if (leftMs <= 0 || !node.isLeading()) break;
    problem = await node.handOver(id, leftMs).then(
      () => undefined,
      (error: unknown) => String(error),
    );
    if (problem === undefined) return undefined;
  }
  return problem;
}

/** In-sync replicas that are connected, the one that holds the most first. */
export const successors = ({ replicas, inSync }: LogStatus): LogStatus["replicas"] =>
  replicas
    .filter((replica) => replica.state === "streaming" && inSync.includes(replica.id))
    .sort((a, b) => b.durableIndex - a.durableIndex);
