import type { PodClock } from "../clock.ts";

/** One loop's sleep, which others may cut short. A wake that finds it awake shortens the next sleep. */
export class Sleeper {
  readonly #clock: PodClock;
  #isWoken = false;
  #finish: (() => void) | undefined;

  constructor(clock: PodClock) {
    this.#clock = clock;
  }

  sleep(ms: number): Promise<void> {
    if (this.#isWoken || ms <= 0) {
      this.#isWoken = false;
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const cancel = this.#clock.after(ms, () => this.#finish?.());
      this.#finish = () => {
        cancel();
        this.#finish = undefined;
        resolve();
      };
    });
  }

  wake(): void {
    if (this.#finish) this.#finish();
    else this.#isWoken = true;
  }
}
