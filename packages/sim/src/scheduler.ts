/** Virtual time: tasks run in order of time, ties in order of arrival. Nothing else moves the clock. */
export class Scheduler {
  #now = 0;
  #sequence = 0;
  /** A binary heap by (at, sequence). */
  readonly #heap: Task[] = [];

  /** Milliseconds since the run began. */
  get now(): number {
    return this.#now;
  }

  get isIdle(): boolean {
    return this.#heap.length === 0;
  }

  /** Runs `task` in `ms` (0 or more) unless it was cancelled; returns what cancels it. */
  after(ms: number, run: () => void): () => void {
    const task: Task = { at: this.#now + Math.max(0, ms), sequence: this.#sequence++, run, isCancelled: false };
    this.#push(task);
    return () => {
      task.isCancelled = true;
    };
  }

  /** Runs everything that is due until then. */
  runUntil(time: number): void {
    for (let task = this.#heap[0]; task && task.at <= time; task = this.#heap[0]) {
      this.#pop();
      this.#now = task.at;
      if (!task.isCancelled) task.run();
    }
    this.#now = Math.max(this.#now, time);
  }

  #push(task: Task): void {
    const heap = this.#heap;
    let at = heap.push(task) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(task, heap[parent] as Task)) break;
      heap[at] = heap[parent] as Task;
      at = parent;
    }
    heap[at] = task;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Task;
    if (heap.length === 0) return;
    let at = 0;
    while (true) {
      let child = at * 2 + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Task, heap[child] as Task)) child++;
      if (!isBefore(heap[child] as Task, last)) break;
      heap[at] = heap[child] as Task;
      at = child;
    }
    heap[at] = last;
  }
}

interface Task {
  readonly at: number;
  readonly sequence: number;
  readonly run: () => void;
  isCancelled: boolean;
}

function isBefore(a: Task, b: Task): boolean {
  return a.at < b.at || (a.at === b.at && a.sequence < b.sequence);
}
