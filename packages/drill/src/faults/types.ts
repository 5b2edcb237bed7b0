import type { Pod } from "kubernetes-types/core/v1.js";
import type { DrillPlugin, Member } from "../plugin.ts";
import type { Ground } from "../site.ts";

export interface Strike {
  readonly ground: Ground;
  readonly plugin: DrillPlugin<never, never, never> | DrillPlugin;
  /** Who leads. */
  readonly leader: Member;
  readonly pod: Pod;
  /** How long a fault that has no end of its own stays in force. */
  readonly holdMs: number;
  /** Waits until `isSo`, asked again and again, holds; rejects with `not-settled` and the reason when it takes too long. */
  waitFor(what: string, isSo: () => boolean | Promise<boolean>): Promise<void>;
}

export interface Injection {
  /** What was really done, for the report. */
  readonly how: string;
  /** Undoes the fault; undefined where nothing is left to undo. Called in any case, also when the drill is broken off. */
  readonly heal?: () => Promise<void>;
  /** Has no end of its own: it stays in force for the drill's hold time. */
  readonly lasts?: true;
  /** Resolves when the change that the fault consists of is complete. */
  readonly completed?: () => Promise<void>;
}

export interface Fault {
  /** Whether it takes the leader away, so that another must be elected. */
  readonly endsTerm: boolean;
  readonly summary: string;
  /** Rejects with `impossible` where the cluster doesn't allow it; nothing was changed then. */
  inject(strike: Strike): Promise<Injection>;
}
