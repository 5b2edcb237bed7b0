/**
 * Work put off to the end of a turn of the event loop, when everything that had arrived was read: then first what is made of it all together, and
 * only then the sending, so that each peer is written to once, and woken once, for all of it.
 */
type Task = () => void;

let works: Task[] = [];
let sends: Task[] = [];
let isScheduled = false;

function schedule(): void {
  if (isScheduled) return;
  isScheduled = true;
  setImmediate(runAll);
}

function runAll(): void {
  isScheduled = false;
  const due = works;
  works = [];
  for (const task of due) task();
  const sending = sends;
  sends = [];
  for (const task of sending) task();
}

/** Runs `task`, which must not throw, at the end of this turn. What it sends by way of `sendAtEndOfTurn` still goes in this turn. */
export function workAtEndOfTurn(task: Task): void {
  works.push(task);
  schedule();
}

/** Runs `task`, which must not throw, after all the work at the end of this turn. */
export function sendAtEndOfTurn(task: Task): void {
  sends.push(task);
  schedule();
}
