import type { PodClock } from "../clock.ts";

/**
 * Watches how late the event loop runs its timers. A starved loop can't renew in time, and nothing else would say why the Lease was lost.
 * Returns the stop function.
 */
export function watchLag(
  clock: PodClock,
  { everyMs, warnMs }: { readonly everyMs: number; readonly warnMs: number },
  warn: (lagMs: number) => void,
): () => void {
  let cancel: () => void;
  const arm = () => {
    const due = clock.now() + everyMs;
    cancel = clock.after(everyMs, () => {
      const lagMs = clock.now() - due;
      if (lagMs >= warnMs) warn(lagMs);
      arm();
    });
  };
  arm();
  return () => cancel();
}
