/** What the chain asks of the rules of consensus. The chain itself knows none of them: it keeps, orders and moves what they let pass. */
import type { Blame, Rejection as Refusal } from "../consensus/rejection.ts";
import type { Block, BlockHeader } from "../primitives/block.ts";
import type { ChainEntry, Coin, Rejection } from "./types.ts";

/** Undefined: nothing wrong. */
export type Verdict = Refusal | undefined;

export interface Rules {
  /** Proof of work, target, time and version of a header on `parent`. */
  checkHeader(header: BlockHeader, parent: ChainEntry, nowSeconds: number): Verdict;
  /** Everything about a block that needs no coins; its header is checked elsewhere. */
  checkBlock(block: Block, parent: ChainEntry): Verdict;
  /** Amounts, maturity, locks, signature operations, subsidy and scripts. `spent` as in `ChainEvent`. */
  checkInputs(block: Block, parent: ChainEntry, spent: readonly (readonly Coin[])[]): Promise<Verdict>;
}

const FAULTS: Readonly<Record<Blame, Rejection["fault"]>> = {
  consensus: "invalid",
  header: "invalid",
  mutated: "mutated",
  future: "early",
  missing: "unknown",
  premature: "refused",
};

/** A refusal as the chain answers it. */
export const answer = ({ reason, detail, blame }: Refusal): Rejection => ({
  ok: false,
  reason,
  detail,
  fault: FAULTS[blame],
});

export const refuse = (fault: Rejection["fault"], reason: string, detail = ""): Rejection => ({
  ok: false,
  reason,
  detail,
  fault,
});

/** Whether the block's hash must be remembered as invalid. */
export const condemnsHash = ({ blame }: Refusal): boolean => blame === "consensus" || blame === "header";
