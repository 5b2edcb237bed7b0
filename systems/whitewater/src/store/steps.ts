/**
 * Long work in steps: one command may delete every key there is, one read may ask for all of them, and heartbeats must not wait for it. What is short is
 * done at once; the rest goes on beside everything else, a bounded number of keys in each turn of the event loop. The queue is the process's, as the event
 * loop is: the more of such work there is, the longer each takes, but no turn gets longer.
 */

/** Yields, now and then, how many keys it has touched since it last did. */
export type Steps<T> = Generator<number, T, void>;

/** Keys that a step touches at most. */
export const stepKeys = 256;
/** Bytes that count as much as a key. */
export const bytesPerKey = 4096;
/** Done at once before it is put off. */
export const firstKeys = 2 * stepKeys;
export const turnKeys = 8 * stepKeys;

interface Job {
  readonly steps: Steps<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** What the log says comes first: everybody waits for it. */
const urgent: Job[] = [];
const others: Job[] = [];
let isScheduled = false;

/** The result, or a promise of it where it takes longer. Throws, or rejects, as the steps do. */
export function inTurns<T>(steps: Steps<T>, isUrgent = false): T | Promise<T> {
  const first = advance(steps, firstKeys);
  if (first.done === true) return first.value;
  return new Promise<T>((resolve, reject) => {
    const job: Job = { steps, resolve: (value) => resolve(value as T), reject };
    (isUrgent ? urgent : others).push(job);
    schedule();
  });
}

function advance<T>(steps: Steps<T>, mostKeys: number): IteratorResult<number, T> {
  let keys = 0;
  for (;;) {
    const result = steps.next();
    if (result.done === true) return result;
    keys += result.value;
    if (keys >= mostKeys) return result;
  }
}

function schedule(): void {
  if (isScheduled) return;
  isScheduled = true;
  setImmediate(() => {
    isScheduled = false;
    for (const queue of [urgent, others]) turnOf(queue);
    if (urgent.length + others.length > 0) schedule();
  });
}

/** One after the other where several wait. */
function turnOf(queue: Job[]): void {
  const job = queue.shift();
  if (job === undefined) return;
  try {
    const result = advance(job.steps, turnKeys);
    if (result.done === true) job.resolve(result.value);
    else queue.push(job);
  } catch (error) {
    job.reject(error);
  }
}
