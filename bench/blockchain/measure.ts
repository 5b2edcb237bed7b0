/** Time and CPU time of some work, medians, and how figures are written. */
export interface Measured {
  readonly seconds: number;
  /** Of this process with all its threads, unless told otherwise. */
  readonly cpuSeconds: number;
}

const ownCpuSeconds = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

export async function measure(work: () => unknown, cpu: () => number = ownCpuSeconds): Promise<Measured> {
  const before = cpu();
  const begun = performance.now();
  await work();
  return { seconds: (performance.now() - begun) / 1000, cpuSeconds: cpu() - before };
}

export const median = (all: readonly number[]): number => all.toSorted((a, b) => a - b)[all.length >> 1] as number;

/** Rounds of the same work by one of those compared. */
export class Rounds {
  readonly #all: { readonly seconds: number; readonly cpuSeconds: number; readonly count: number }[] = [];

  add({ seconds, cpuSeconds }: Measured, count: number): void {
    this.#all.push({ seconds, cpuSeconds, count });
  }

  /** The median of the rounds, a second. */
  get rate(): number {
    return median(this.#all.map(({ seconds, count }) => count / seconds));
  }

  get cpuMicros(): number {
    return median(this.#all.map(({ cpuSeconds, count }) => (cpuSeconds * 1e6) / count));
  }
}

export const percent = (ratio: number): string => `${Math.round(100 * ratio)} %`;
export const times = (ratio: number): string => `${ratio.toFixed(ratio < 10 ? 1 : 0)} ×`;
export const mib = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`;
