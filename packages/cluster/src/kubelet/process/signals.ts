import { constants } from "node:os";

/** A process's end as a shell reports it: its code, or 128+n when signal n ended it. */
export const exitCodeOf = (code: number | null, signal: NodeJS.Signals | null): number =>
  code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
