/** A switchover as its caller sees it: begun, given up, or taken over by the successor. */
import { LeaseLogError } from "../errors.ts";
import type { LogClock } from "../options.ts";
import type { Roles } from "./roles.ts";

export class Handover {
  readonly result: Promise<void>;
  #settle: (reason: string | undefined) => void = () => {};

  constructor(to: string, roles: Roles, clock: LogClock, timeoutMs: number) {
    let resolve: () => void = () => {};
    let reject: (error: LeaseLogError) => void = () => {};
    this.result = new Promise<void>((onDone, onError) => {
      resolve = onDone;
      reject = onError;
    });
    const cancel = clock.after(timeoutMs, () => this.giveUp(`${to} did not take over in time; the election decides`));
    const before = roles.epoch;
    const unsubscribe = roles.subscribe(({ primary, epoch }) => {
      if (primary === to) this.#settle(undefined);
      else if (primary !== undefined && epoch > before) this.giveUp(`${primary} took over, not ${to}`);
    });
    this.#settle = (reason) => {
      this.#settle = () => {};
      cancel();
      unsubscribe();
      if (reason === undefined) resolve();
      else reject(new LeaseLogError("switchover-failed", reason));
    };
  }

  giveUp(reason: string): void {
    this.#settle(reason);
  }
}
