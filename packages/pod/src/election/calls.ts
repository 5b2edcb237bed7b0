import type { PodClock } from "../clock.ts";
import { ElectionError } from "../errors.ts";

/**
 * `run` with a deadline on the injected clock. A call that ignores its signal is left behind: the election never hangs with it.
 */
export async function bounded<T>(
  what: string,
  clock: PodClock,
  timeoutMs: number,
  stop: AbortSignal,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  let giveUp: (reason: unknown) => void = () => undefined;
  const givenUp = new Promise<never>((_, reject) => {
    giveUp = (reason) => {
      controller.abort(reason);
      reject(reason);
    };
  });
  const cancel = clock.after(timeoutMs, () =>
    giveUp(new ElectionError("deadline", `${what}: no answer within ${Math.round(timeoutMs)} ms`)),
  );
  const onStop = () => giveUp(stop.reason);
  stop.addEventListener("abort", onStop, { once: true });
  try {
    if (stop.aborted) throw stop.reason;
    return await Promise.race([run(controller.signal), givenUp]);
  } finally {
    cancel();
    stop.removeEventListener("abort", onStop);
    givenUp.catch(() => undefined);
  }
}
