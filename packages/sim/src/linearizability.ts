/**
 * Is a history linearizable? The search of Wing and Gong with Lowe's memory of visited states ("Testing for linearizability", 2017), per key: a history is
 * linearizable if and only if each object's part of it is (Herlihy and Wing, 1990).
 */

/** One operation of a client. */
export interface Operation<In, Out> {
  readonly client: string;
  readonly key: string;
  readonly input: In;
  /** When it was called and when it returned, on one clock. Infinity: it never returned, so it may have taken effect at any time after the call, or never. */
  readonly calledAt: number;
  readonly returnedAt: number;
  /** What it returned; undefined when it never did. */
  readonly output: Out | undefined;
}

/** A sequential object. `State` must have a text of its own by `print`. */
export interface Model<State, In, Out> {
  readonly initial: State;
  /** The state after `input`, or undefined when it could not have given `output` in `state`. `output` is undefined for an operation that never returned. */
  step(state: State, input: In, output: Out | undefined): { readonly state: State } | undefined;
  print(state: State): string;
}

export type Verdict<In, Out> =
  | { readonly isLinearizable: true }
  /** `operations` are those of one key up to the return that can't be explained: the shortest beginning that is wrong. */
  | { readonly isLinearizable: false; readonly key: string; readonly operations: readonly Operation<In, Out>[] };

export function checkLinearizable<State, In, Out>(
  history: readonly Operation<In, Out>[],
  model: Model<State, In, Out>,
): Verdict<In, Out> {
  for (const [key, operations] of operationsByKey(history)) {
    if (isExplained(operations, model)) continue;
    return { isLinearizable: false, key, operations: shortestBad(operations, model) };
  }
  return { isLinearizable: true };
}

/** Keys are independent of each other: a history is linearizable when that of each key is. */
export function operationsByKey<In, Out>(history: readonly Operation<In, Out>[]): Map<string, Operation<In, Out>[]> {
  const groups = new Map<string, Operation<In, Out>[]>();
  for (const operation of history) {
    const group = groups.get(operation.key);
    if (group) group.push(operation);
    else groups.set(operation.key, [operation]);
  }
  return groups;
}

/** Beginnings of a linearizable history are linearizable, so the first bad one is found by bisection. */
function shortestBad<State, In, Out>(operations: readonly Operation<In, Out>[], model: Model<State, In, Out>) {
  const ends = operations
    .map((operation) => operation.returnedAt)
    .filter(Number.isFinite)
    .sort((a, b) => a - b);
  let low = 0;
  let high = ends.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isExplained(beginning(operations, ends[middle] as number), model)) low = middle + 1;
    else high = middle;
  }
  return beginning(operations, ends[low] as number);
}

function beginning<In, Out>(operations: readonly Operation<In, Out>[], end: number): Operation<In, Out>[] {
  return operations
    .filter((operation) => operation.calledAt <= end)
    .map((operation) =>
      operation.returnedAt <= end ? operation : { ...operation, returnedAt: Infinity, output: undefined },
    );
}

interface Event<In, Out> {
  readonly id: number;
  readonly operation: Operation<In, Out>;
  /** The return of this call; undefined for an operation that never returned, and on returns. */
  readonly end: Event<In, Out> | undefined;
  readonly isCall: boolean;
  readonly time: number;
  previous: Event<In, Out> | undefined;
  next: Event<In, Out> | undefined;
}

function isExplained<State, In, Out>(operations: readonly Operation<In, Out>[], model: Model<State, In, Out>): boolean {
  const head = listOf(operations);
  const taken = new Uint32Array(Math.ceil(operations.length / 32));
  const seen = new Set<string>();
  const stack: { readonly event: Event<In, Out>; readonly state: State }[] = [];
  let { initial: state } = model;
  let waiting = operations.filter((operation) => Number.isFinite(operation.returnedAt)).length;
  let event = head.next;
  while (waiting > 0) {
    const stepped = event?.isCall ? model.step(state, event.operation.input, event.operation.output) : undefined;
    if (event && stepped && isNew(taken, event.id, model.print(stepped.state), seen)) {
      stack.push({ event, state });
      state = stepped.state;
      flip(taken, event.id);
      if (event.end) waiting--;
      lift(event);
      event = head.next;
    } else if (event?.isCall) event = event.next;
    else {
      // A return that nothing so far explains: undo the last choice.
      const last = stack.pop();
      if (!last) return false;
      state = last.state;
      flip(taken, last.event.id);
      if (last.event.end) waiting++;
      unlift(last.event);
      event = last.event.next;
    }
  }
  return true;
}

/** Calls and returns in order of time; of equal times the call comes first, which treats the two as concurrent. */
function listOf<In, Out>(operations: readonly Operation<In, Out>[]): Event<In, Out> {
  const events: Event<In, Out>[] = [];
  for (const [id, operation] of operations.entries()) {
    const links = { previous: undefined, next: undefined };
    const hasReturned = Number.isFinite(operation.returnedAt);
    const end = hasReturned
      ? { id, operation, end: undefined, isCall: false, time: operation.returnedAt, ...links }
      : undefined;
    events.push({ id, operation, end, isCall: true, time: operation.calledAt, ...links });
    if (end) events.push(end);
  }
  events.sort((a, b) => a.time - b.time || Number(b.isCall) - Number(a.isCall));
  const head: Event<In, Out> = {
    id: -1,
    operation: undefined as never,
    end: undefined,
    isCall: false,
    time: 0,
    previous: undefined,
    next: undefined,
  };
  let last = head;
  for (const event of events) {
    last.next = event;
    event.previous = last;
    last = event;
  }
  return head;
}

function lift<In, Out>(event: Event<In, Out>): void {
  unlink(event);
  if (event.end) unlink(event.end);
}

function unlift<In, Out>(event: Event<In, Out>): void {
  if (event.end) relink(event.end);
  relink(event);
}

function unlink<In, Out>({ previous, next }: Event<In, Out>): void {
  if (previous) previous.next = next;
  if (next) next.previous = previous;
}

function relink<In, Out>(event: Event<In, Out>): void {
  if (event.previous) event.previous.next = event;
  if (event.next) event.next.previous = event;
}

function flip(taken: Uint32Array, id: number): void {
  taken[id >> 5] = (taken[id >> 5] as number) ^ (1 << (id & 31));
}

/** Most of a long history is taken or not yet reached: only the words between are told. */
function nameOf(taken: Uint32Array): string {
  let from = 0;
  while (taken[from] === 0xffffffff) from++;
  let to = taken.length;
  while (to > from && taken[to - 1] === 0) to--;
  let name = `${from}`;
  for (let at = from; at < to; at++) name += `,${taken[at]}`;
  return name;
}

function isNew(taken: Uint32Array, id: number, state: string, seen: Set<string>): boolean {
  flip(taken, id);
  const name = `${nameOf(taken)}|${state}`;
  flip(taken, id);
  if (seen.has(name)) return false;
  seen.add(name);
  return true;
}

/** A register per key: `undefined` until it is written. */
export type RegisterInput = { readonly type: "read" } | { readonly type: "write"; readonly value: string };

export const registerModel: Model<string | undefined, RegisterInput, string | undefined | "ok"> = {
  initial: undefined,
  step(state, input, output) {
    if (input.type === "write") return { state: input.value };
    return output === state ? { state } : undefined;
  },
  print: (state) => (state === undefined ? "-" : `=${state}`),
};
