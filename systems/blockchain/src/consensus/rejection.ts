/** Why something is invalid: returned, not thrown, since it is what a check is for. Undefined stands for "valid as far as looked at". */
export interface Rejection {
  /** Bitcoin Core's reject reason, such as `bad-txns-in-belowout`. */
  readonly reason: string;
  /** For people; may be empty. */
  readonly detail: string;
  readonly blame: Blame;
}

/**
 * What follows from it. Only `consensus` and `header` make a block's hash invalid for ever and its sender a liar; with `mutated` an honest
 * block of the same hash may still come, so the hash must not be remembered; with `future` and `missing` it may become valid later.
 */
export type Blame = "consensus" | "header" | "mutated" | "future" | "missing" | "premature";

export const rejection = (reason: string, detail = "", blame: Blame = "consensus"): Rejection => ({
  reason,
  detail,
  blame,
});
