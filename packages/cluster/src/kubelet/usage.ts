/** How much CPU and memory containers use, from /proc. */
import type { Clock } from "../machinery/types.ts";
import type { RunningContainer } from "./pod/running-container.ts";
import { allProcesses, ticksPerSecond, treeOf } from "./process/proc.ts";
import type { ContainerUsage } from "./types.ts";

interface Sample {
  readonly at: number;
  readonly cpuTicks: number;
  readonly cpuNanoCores: number;
}

/** A reading within this time of the last one repeats its rate: clock ticks are too coarse for less. */
const shortestSpanMs = 1_000;

export class UsageMeter {
  readonly #clock: Clock;
  readonly #samples = new WeakMap<RunningContainer, Sample>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  measure(containers: Iterable<RunningContainer>): ContainerUsage[] {
    const processes = allProcesses();
    return [...containers].map((container) => {
      const tree = treeOf(container.process.identity.pid, processes);
      const cpuTicks = tree.reduce((sum, each) => sum + each.cpuTicks, 0);
      const memoryBytes = tree.reduce((sum, each) => sum + each.residentBytes, 0);
      return { name: container.name, cpuNanoCores: this.#rate(container, cpuTicks), memoryBytes };
    });
  }

  /** Since the last measurement; for the first one, since the container began. */
  #rate(container: RunningContainer, cpuTicks: number): number {
    const at = this.#clock.now();
    const last = this.#samples.get(container) ?? { at: container.startedAt, cpuTicks: 0, cpuNanoCores: 0 };
    const spanMs = at - last.at;
    if (spanMs < shortestSpanMs && last.cpuNanoCores > 0) return last.cpuNanoCores;
    const seconds = Math.max(spanMs, 1) / 1000;
    const cpuNanoCores = Math.max(0, Math.round(((cpuTicks - last.cpuTicks) / ticksPerSecond / seconds) * 1e9));
    this.#samples.set(container, { at, cpuTicks, cpuNanoCores });
    return cpuNanoCores;
  }
}
