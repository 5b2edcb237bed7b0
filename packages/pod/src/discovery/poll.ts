import { Backoff } from "@coracle/kube";
import type { PodClock } from "../clock.ts";
import type { Report } from "./feed.ts";
import type { Peer } from "./types.ts";

/** One answer of a source that has to be asked again and again. */
export interface Answer {
  readonly peers: readonly Peer[];
  /** When to ask again. */
  readonly nextInMs: number;
}

/** Asks until `signal` aborts; failures are reported and retried with back-off. */
export async function poll(
  ask: () => Promise<Answer>,
  clock: PodClock,
  report: Report,
  signal: AbortSignal,
): Promise<void> {
  const backoff = new Backoff({ minMs: 250, maxMs: 10_000 });
  while (!signal.aborted) {
    let waitMs: number;
    try {
      const { peers, nextInMs } = await ask();
      report.peers(peers);
      backoff.reset();
      waitMs = nextInMs;
    } catch (error) {
      waitMs = backoff.next();
      report.failed(error, waitMs);
    }
    await sleep(waitMs, clock, signal);
  }
}

function sleep(ms: number, clock: PodClock, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const finish = () => {
      cancel();
      signal.removeEventListener("abort", finish);
      resolve();
    };
    const cancel = clock.after(ms, finish);
    signal.addEventListener("abort", finish, { once: true });
  });
}
