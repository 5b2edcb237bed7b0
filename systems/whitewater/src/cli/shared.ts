/** What all commands share. */
import type { Target } from "./client.ts";

export interface Globals {
  readonly target: Target;
  readonly json: boolean;
}

/** A command's arguments. */
export type Rows = readonly (string | undefined)[];

export const print = (text: string): void => void process.stdout.write(`${text}\n`);
