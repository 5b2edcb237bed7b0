/** A `Date` that can be wrong. Timers, `performance.now` and `process.hrtime` are monotonic clocks and stay right, as on a real machine. */
import { type Skew, skewed } from "../pod-faults.ts";

export function wrapClock(skews: () => readonly Skew[] | undefined): void {
  const Right = Date;
  const rightNow = Right.now;
  const now = (): number => skewed(skews(), rightNow());
  // A proxy, so that the prototype stays the one of the dates that Node.js makes itself (`stat.mtime instanceof Date`).
  const Wrong = new Proxy(Right, {
    construct: (target, args, made): Date =>
      Reflect.construct(target, args.length === 0 ? [now()] : args, made === Wrong ? target : made),
    apply: () => new Right(now()).toString(),
  });
  Right.now = now;
  Right.prototype.constructor = Wrong;
  globalThis.Date = Wrong;
}
