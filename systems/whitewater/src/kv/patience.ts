/** One clock for all requests under way: each is given up after the same time, so that a queue in order of arrival is enough, and no request costs a timer. */
import { refuse } from "./refusals.ts";

interface Waiting {
  readonly untilMs: number;
  give: (() => void) | undefined;
}

export class Patience {
  private readonly queue: Waiting[] = [];
  private first = 0;
  private readonly timeoutMs: number;
  private readonly nowMs: () => number;

  constructor(timeoutMs: number, nowMs: () => number) {
    this.timeoutMs = timeoutMs;
    this.nowMs = nowMs;
  }

  /** Rejects with `timeout` when `work` takes longer than allowed; what becomes of it is then unknown. */
  within<T>(work: Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const waiting: Waiting = { untilMs: this.nowMs() + this.timeoutMs, give: () => reject(refuse("timeout")) };
      this.queue.push(waiting);
      work.then(
        (value) => {
          waiting.give = undefined;
          resolve(value);
        },
        (error: unknown) => {
          waiting.give = undefined;
          reject(error);
        },
      );
    });
  }

  /** To be called a few times a second. */
  tick(): void {
    const now = this.nowMs();
    for (; this.first < this.queue.length; this.first++) {
      const waiting = this.queue[this.first]!;
      if (waiting.give !== undefined && waiting.untilMs > now) break;
      waiting.give?.();
    }
    if (this.first * 2 < this.queue.length) return;
    this.queue.splice(0, this.first);
    this.first = 0;
  }
}
