/** What the routes stand on. */
import type { HealthServer } from "@coracle/pod";
import type { Raft } from "@coracle/raft";
import type { Kv } from "../kv/types.ts";
import type { Question, Report } from "../membership/types.ts";

/** A member that takes part. */
export interface RunningMember {
  readonly raft: Raft;
  readonly kv: Kv;
}

export interface HttpContext {
  /** Undefined until this pod has its seat. */
  member(): RunningMember | undefined;
  /** Why there is none yet. */
  waitsFor(): string;
  answer(question: Question): Promise<Report>;
  /** What discovery shows. */
  peers(): readonly { readonly name: string; readonly address: string }[];
  /** Where the leader takes HTTP, for redirects. */
  leaderAddress(): string | undefined;
  /** What else `/v1/status` tells. */
  facts(): object;
  readonly health: Pick<HealthServer, "handle">;
}
