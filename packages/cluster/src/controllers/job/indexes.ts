/** Completion indexes of Indexed jobs: sets of numbers in Kubernetes' compressed text, such as `0-2,5`. */
import type { Job } from "kubernetes-types/batch/v1.js";
import type { Pod } from "kubernetes-types/core/v1.js";

export const indexAnnotation = "batch.kubernetes.io/job-completion-index";

export const isIndexed = ({ spec }: Job) => spec?.completionMode === "Indexed";

export function indexOf({ metadata }: Pod): number | undefined {
  const text = metadata?.annotations?.[indexAnnotation];
  return text === undefined ? undefined : Number(text);
}

/** Every number of the text. Its size is bounded by the job's completions. */
export function parseIndexes(text = "", completions = Number.POSITIVE_INFINITY): Set<number> {
  const indexes = new Set<number>();
  for (const part of text.split(",").filter(Boolean)) {
    const [first = 0, last = first] = part.split("-").map(Number);
    for (let index = first; index <= Math.min(last, completions - 1); index += 1) indexes.add(index);
  }
  return indexes;
}

export function formatIndexes(indexes: ReadonlySet<number>): string {
  const runs: [number, number][] = [];
  for (const index of [...indexes].sort((a, b) => a - b)) {
    const run = runs.at(-1);
    if (run && run[1] === index - 1) run[1] = index;
    else runs.push([index, index]);
  }
  return runs
    .map(([first, last]) => (first === last ? `${first}` : `${first}${last === first + 1 ? "," : "-"}${last}`))
    .join(",");
}

/** The lowest indexes that are neither done nor taken. */
export function freeIndexes(completions: number, used: ReadonlySet<number>, count: number): number[] {
  const free: number[] = [];
  for (let index = 0; index < completions && free.length < count; index += 1) if (!used.has(index)) free.push(index);
  return free;
}
