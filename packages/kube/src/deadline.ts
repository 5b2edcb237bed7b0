import { KubeError } from "./errors.ts";

interface Bound {
  /** What is being done, for the error's message. */
  readonly what: string;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** A signal that aborts with a `KubeError`: `aborted` when the caller's signal does, `timeout` when the time is over. */
export interface Deadline {
  readonly signal: AbortSignal;
  /** Lifts the time limit and lets go of the caller's signal. */
  clear(): void;
  /** Lifts the time limit only: the caller's signal still counts. */
  lift(): void;
}

export function deadline({ what, timeoutMs, signal }: Bound): Deadline {
  const controller = new AbortController();
  const timer = setTimeout(
    () => controller.abort(new KubeError("timeout", `${what}: no answer within ${timeoutMs} ms`)),
    timeoutMs,
  );
  const onAbort = () =>
    controller.abort(new KubeError("aborted", `${what}: given up by the caller`, { cause: signal?.reason }));
  if (signal?.aborted) onAbort();
  signal?.addEventListener("abort", onAbort, { once: true });
  const lift = () => clearTimeout(timer);
  return {
    signal: controller.signal,
    lift,
    clear() {
      lift();
      signal?.removeEventListener("abort", onAbort);
    },
  };
}

/** Resolves after `ms`, or at once when `signal` aborts (then with false). */
export function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(false);
    const finish = (slept: boolean) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      resolve(slept);
    };
    const onAbort = () => finish(false);
    const timer = setTimeout(finish, ms, true);
    signal.addEventListener("abort", onAbort, { once: true });
  });
}
